/** Tests of the logs that a device keeps of updates that failed. */

import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { sha256Hex } from '../../protocol/encoding/hash.ts'
import { limits } from '../../protocol/limits.ts'
import { ActivationLogs } from './activation-log.ts'
import { keptActivationLogs } from './limits.ts'

async function logsOf(t: TestContext): Promise<ActivationLogs> {
  const directory = await mkdtemp(join(tmpdir(), 'thymesh-logs-'))
  t.after(() => rm(directory, { recursive: true }))
  return new ActivationLogs({ directory: join(directory, 'logs') })
}

describe('the log of an activation', () => {
  it('is kept under its hash, and its last lines go with the report', async t => {
    const logs = await logsOf(t)
    const text = Array.from({ length: 100 }, (_, line) => `line ${line}\n`).join('')
    const { hash, bytes, excerpt } = await logs.keep(text)
    const kept = await logs.read(hash)
    assert.deepEqual([kept?.toString(), bytes, hash], [text, text.length, sha256Hex(Buffer.from(text))])
    assert.match(excerpt, /^line \d+\n(?:.*\n)*line 99$/)
  })

  it('is bounded, and cut between characters', async t => {
    const logs = await logsOf(t)
    const { hash, bytes } = await logs.keep('└─'.repeat(limits.activationLog))
    assert.ok(bytes <= limits.activationLog)
    const kept = Buffer.from((await logs.read(hash)) ?? [])
    assert.equal(sha256Hex(kept), hash)
    assert.doesNotMatch(kept.toString(), /\uFFFD/)
  })

  it('goes when there are enough newer ones; nothing else can be read by that way', async t => {
    const logs = await logsOf(t)
    for (let each = 0; each < keptActivationLogs + 3; each++) await logs.keep(`log ${each}\n`)
    assert.equal((await logs.list()).length, keptActivationLogs)
    assert.equal(await logs.read('../journal'), undefined)
    assert.equal(await logs.read('0'.repeat(64)), undefined)
  })
})
