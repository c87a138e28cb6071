/** Tests of finding two devices with one key: what shows them, and what an honest device does that must not. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type Report, reportKind } from '../../../protocol/report/report.ts'
import { signEnvelope } from '../../../protocol/signing/dsse.ts'
import { peerIdOf } from '../../../protocol/signing/peer-id.ts'
import { testFleet, testSigner } from '../../../test/helpers/fleet.ts'
import { CloneDetector } from './clone-detector.ts'

const { fleet } = testFleet()
const device = testSigner('device')
const peer = peerIdOf(device.publicKey)
const boot = (process: number) => new Uint8Array(8).fill(process)

function report(counter: number, process: number, more: Partial<Report> = {}) {
  const document: Report = {
    v: 1,
    fleet,
    peer,
    counter,
    state: 'waiting',
    freshness: 'fresh',
    boot: boot(process),
    ...more,
  }
  return { document, envelope: signEnvelope(reportKind, document, device) }
}

function watch() {
  const seen: number[] = []
  const add = async (_kind: string, _subject: string, documents: readonly Uint8Array[]) => {
    seen.push(documents.length)
    return true
  }
  return { clones: new CloneDetector({ add }), seen }
}

/** Feeds reports as a directory does: the known one is that with the highest counter. */
async function feed(clones: CloneDetector, reports: ReturnType<typeof report>[]): Promise<void> {
  let known: ReturnType<typeof report> | undefined
  for (const next of reports) {
    await clones.report(known, next)
    if (known === undefined || next.document.counter > known.document.counter) known = next
  }
}

describe('reports', () => {
  it('of a device that starts again and again show no clone', async () => {
    const { clones, seen } = watch()
    await feed(clones, [report(1, 1), report(2, 1), report(3, 2), report(4, 3), report(5, 3), report(6, 4)])
    // The same bytes again, and an old one late.
    await feed(clones, [report(6, 4), report(6, 4), report(5, 3)])
    assert.deepEqual(seen, [])
  })

  it('of one counter that differ are kept as evidence', async () => {
    const { clones, seen } = watch()
    await feed(clones, [report(1, 1), report(2, 1), report(2, 2)])
    assert.deepEqual(seen, [2])
  })

  it('of a process that comes back after another show a clone', async () => {
    const { clones, seen } = watch()
    await feed(clones, [report(1, 1), report(2, 2), report(3, 1)])
    assert.deepEqual(seen, [2])
  })
})

describe('hellos', () => {
  it('of a process that comes back show a clone only when it was asked', async () => {
    const { clones, seen } = watch()
    assert.equal(await clones.hello(peer, boot(1), false), false)
    assert.equal(await clones.hello(peer, boot(2), false), true, 'the other connection is to be asked')
    // An old report of the first one, which the network delivers late.
    await clones.hello(peer, boot(1), false)
    assert.deepEqual(seen, [])
    await clones.hello(peer, boot(1), true)
    assert.deepEqual(seen, [0])
  })
})
