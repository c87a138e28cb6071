/** A report is written whatever there is to say: the longest of everything is cut until it fits. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { limits } from '../../protocol/limits.ts'
import { type Report, verifyReport } from '../../protocol/report/report.ts'
import { newSeed, signerOf } from '../../protocol/signing/keys.ts'
import { peerIdOf } from '../../protocol/signing/peer-id.ts'
import { shortened, signReport } from './device-report.ts'

const signer = signerOf(newSeed())
const fleet = 'f'.repeat(64)

/** The most text that a report holds, in characters of three bytes. */
function longest(): Report {
  const names = Array.from({ length: limits.reportedNames }, (_, n) => `${n}${'€'.repeat(99)}`)
  const path = (letter: string) => `/nix/store/${letter.repeat(32)}-${'n'.repeat(150)}`
  return {
    v: 1,
    fleet,
    peer: peerIdOf(signer.publicKey),
    counter: 2 ** 48,
    at: '2026-11-24T00:00:00Z',
    since: '2026-11-24T00:00:00Z',
    state: 'held',
    config: 'c'.repeat(63),
    release: 1,
    wanted: 2,
    running: path('a'),
    boots: path('b'),
    freshness: 'unknown',
    boot: new Uint8Array(8),
    health: { state: 'degraded', units: names, probes: names },
    alarms: Array.from({ length: limits.alarms }, () => ({ kind: 'clone' as const, subject: '€'.repeat(100) })),
    turn: { release: 2, wave: 1, is: 'held', reason: '€'.repeat(limits.turnReason) },
    error: { code: 'health-failed', message: shortened('€'.repeat(1000)) },
    excerpt: shortened('€'.repeat(1000)),
    log: { hash: new Uint8Array(32), bytes: 1 },
  }
}

describe('a report', () => {
  it('that holds the longest of everything fits, and says the same in short', () => {
    const envelope = signReport(longest(), signer)
    assert.ok(envelope.length <= limits.envelope, `${envelope.length} bytes`)
    const read = verifyReport(envelope, fleet)
    assert.equal(read.state, 'held')
    assert.equal(read.error?.code, 'health-failed')
    assert.equal(read.health?.state, 'degraded')
    assert.ok((read.alarms?.length ?? 0) > 0)
    assert.equal(read.turn?.is, 'held')
  })

  it('that fits loses nothing', () => {
    const { excerpt, alarms, ...report } = longest()
    const short: Report = { ...report, health: { state: 'healthy' }, error: undefined, excerpt: 'the last line' }
    const { error, ...rest } = short
    assert.deepEqual(verifyReport(signReport(short, signer), fleet), rest)
  })
})
