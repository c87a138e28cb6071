/** Lines of the log are JSON, and nothing in them steers the terminal of who reads them. */

import assert from 'node:assert/strict'
import { mkdtemp, open, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { it } from 'node:test'
import { hostileTexts, steers } from '../../test/helpers/hostile-text.ts'
import { makeLogger } from './log.ts'

it('the log shows the names and messages of others visibly, and keeps them in its JSON', async t => {
  const folder = await mkdtemp(join(tmpdir(), 'thymesh-log-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  const file = await open(join(folder, 'log'), 'w')
  t.after(() => file.close())
  const log = makeLogger('info', file.fd)
  const texts = Object.values(hostileTexts)
  for (const text of texts) {
    log.warn({ device: text }, text)
    log.child({ name: text }).info(new Error(text))
  }
  const written = await readFile(join(folder, 'log'), 'utf8')
  assert.ok(!steers(written))
  const lines = written.trimEnd().split('\n')
  assert.equal(lines.length, 2 * texts.length)
  for (const [at, text] of texts.entries()) {
    const { device, msg } = JSON.parse(lines[2 * at] ?? '') as { device: string; msg: string }
    assert.deepEqual([device, msg], [text, text])
  }
})
