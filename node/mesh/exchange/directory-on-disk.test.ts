/** Tests of the directory with more documents than stay decoded in memory. */

import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { timeText } from '../../../protocol/encoding/fields.ts'
import { reportKind } from '../../../protocol/report/report.ts'
import { signEnvelope } from '../../../protocol/signing/dsse.ts'
import { peerIdOf } from '../../../protocol/signing/peer-id.ts'
import { testFleet, testNow, testSigner } from '../../../test/helpers/fleet.ts'
import { silentLogger } from '../../../test/helpers/log.ts'
import { testState } from '../../../test/helpers/state.ts'
import { until } from '../../../test/helpers/until.ts'
import { Directory } from './directory.ts'

const fleet = testFleet()

describe('what is not in memory', () => {
  const since = timeText(testNow)
  const running = '/nix/store/00000000000000000000000000000000-kiosk'
  const crowd = Array.from({ length: 4 }, (_, at) => testSigner(`crowd-${at}`))
  const ids = crowd.map(({ publicKey }) => peerIdOf(publicKey))

  function reportOf(at: number): Uint8Array {
    const by = { v: 1, fleet: fleet.fleet, peer: ids[at] ?? '', counter: at + 1 } as const
    const signer = crowd[at] ?? testSigner('nobody')
    return signEnvelope(reportKind, { ...by, freshness: 'fresh', state: 'running', running, since }, signer)
  }

  async function crowded(t: TestContext) {
    const { database, clock } = await testState(t, { now: testNow })
    const by = { fleet: fleet.fleet, authority: () => fleet.authority }
    const load = () => Directory.load({ ...by, clock, log: silentLogger, decoded: 1 }, database)
    const directory = await load()
    for (const [at, signer] of crowd.entries()) {
      const peer = peerIdOf(signer.publicKey)
      await directory.addCertificate(peer, fleet.certify(signer, { name: `kiosk-${at}`, site: 'north' }))
      await directory.addReport(reportOf(at))
    }
    return { database, directory, load }
  }

  it('is read from the disk, before and after it was written', async t => {
    const { directory, load } = await crowded(t)
    const check = (of: Directory) => {
      for (const [at, peer] of ids.entries()) {
        const document = of.report(peer)?.document
        assert.equal(document?.counter, at + 1)
        const member = of.member(peer)
        const gist = member?.report
        assert.deepEqual(
          [gist?.counter, gist?.plain, gist?.state, gist?.running, gist?.since, gist?.at, gist?.error, gist?.hasAlerts],
          [at + 1, at + 1, 'running', running, since, undefined, undefined, false],
        )
        const certificate = of.certificate(peer)?.document
        assert.deepEqual([member?.name, member?.site, member?.role], [`kiosk-${at}`, 'north', 'device'])
        assert.deepEqual([certificate?.name, certificate?.site], [member?.name, member?.site])
        assert.deepEqual([member?.issued, member?.expires], [certificate?.issued, certificate?.expires])
      }
    }
    check(directory)
    await directory.flush()
    check(directory)
    check(await load())
  })

  it('is forgotten if it is damaged on the disk, so that a neighbour brings it again', async t => {
    const { directory, database } = await crowded(t)
    await directory.flush()
    const [first = '', second = ''] = ids
    const gone: string[] = []
    for (const event of ['lost', 'forgotten'] as const) directory.on(event, peer => gone.push(peer))
    await database.table('reports').put(first, Uint8Array.of(1))
    await database.table('members').put(second, Uint8Array.of(1))
    assert.equal(directory.report(first), undefined)
    assert.equal(directory.member(first)?.report, undefined)
    assert.equal(directory.certificate(second), undefined)
    await until(() => gone.includes(second), 'the member to be forgotten')
    assert.deepEqual(gone, [first, second])
    assert.equal(await directory.addReport(reportOf(0)), 'new')
  })
})
