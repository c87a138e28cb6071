/** A log that is written while it is read: half lines, lines of others, and what was there before. */

import assert from 'node:assert/strict'
import { appendFile, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { it } from 'node:test'
import { LogTail } from './log-tail.ts'

it('finds a line that is written after it began, in pieces', async t => {
  const folder = await mkdtemp(join(tmpdir(), 'thymesh-log-tail-'))
  t.after(() => rm(folder, { recursive: true }))
  const log = join(folder, 'log')
  await writeFile(log, '{"msg":"wanted","time":"old"}\n')
  const tail = await LogTail.of(log)
  assert.equal(await tail.wait(({ msg }) => msg === 'wanted', 0), undefined)
  await appendFile(log, '(node:1) Warning: no JSON\n{"msg":"other"}\n{"msg":"wan')
  assert.equal(await tail.wait(({ msg }) => msg === 'wanted', 0), undefined)
  await appendFile(log, 'ted","time":"new"}\n')
  assert.equal((await tail.wait(({ msg }) => msg === 'wanted', 60_000))?.time, 'new')
})
