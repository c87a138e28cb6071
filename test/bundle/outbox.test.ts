/** The way home: a device's outbox is read by controllers only, believed as far as it is signed, and counted once. */

import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { png } from '../../node/access/png.ts'
import { CarriedMetrics } from '../../node/carry/carried-metrics.ts'
import { CarriedSnapshots } from '../../node/carry/carried-snapshots.ts'
import { takeOutbox } from '../../node/carry/take-outbox.ts'
import { writeOutbox } from '../../node/carry/write-outbox.ts'
import { ageRecipientOf, newAgeIdentity } from '../../node/state/age-key.ts'
import { reportKind } from '../../protocol/report/report.ts'
import { signEnvelope } from '../../protocol/signing/dsse.ts'
import { peerIdOf } from '../../protocol/signing/peer-id.ts'
import { testSigner } from '../helpers/fleet.ts'
import { silentLogger } from '../helpers/log.ts'
import { liveFleet, Mesh, type TestPeer } from '../helpers/mesh.ts'
import { reportOf } from '../helpers/report-samples.ts'

describe('an outbox', () => {
  it('brings reports, the history and logs home, each once', async t => {
    const { device, home, identity, sealed } = await scene(t)
    const first = await take(home, identity, sealed)
    assert.deepEqual([first.device, first.reports, first.history, first.logs.length], ['device', 1, 2, 1])
    assert.equal(Buffer.from(first.logs[0]?.text ?? []).toString(), 'the switch failed')
    const id = device.identity.peerId
    assert.equal(home.directory.report(id)?.document.counter, 7)
    assert.deepEqual(
      (await home.history.of(id)).map(({ release, outcome }) => [release, outcome]),
      [
        [2, 'failed'],
        [3, 'running'],
      ],
    )
    const second = await take(home, identity, sealed)
    assert.deepEqual([second.certificates, second.reports, second.history], [0, 0, 0])
  })

  it('brings the newest snapshot of each screen home, and no older one after it', async t => {
    const { device, home, identity, write } = await scene(t)
    const table = new CarriedSnapshots(home.peerState.database.table('carried-snapshots'))
    const rgb = Buffer.from([1, 2, 3])
    const of = (screen: string, taken: string) => {
      return { screen, taken, png: Uint8Array.from(png({ width: 1, height: 1, rgb })) }
    }
    const brought = async (...snapshots: ReturnType<typeof of>[]) => {
      await take(home, identity, await write({ snapshots: async () => snapshots }))
      return (await table.of(device.identity.peerId)).map(({ screen, taken }) => `${screen} ${taken}`)
    }
    const [older, newer] = ['2026-01-01T00:00:00Z', '2026-01-02T00:00:00Z']
    assert.deepEqual(await brought(of('kiosk', newer)), [`kiosk ${newer}`])
    assert.deepEqual(await brought(of('kiosk', older), of('lobby', older)), [`lobby ${older}`, `kiosk ${newer}`])
  })

  it('can’t be read without a controller’s identity', async t => {
    const { home, sealed } = await scene(t)
    assert.doesNotMatch(Buffer.from(sealed).toString('latin1'), /the switch failed/)
    await assert.rejects(take(home, newAgeIdentity(), sealed), { code: 'not-encrypted-to-us' })
    await assert.rejects(take(home, newAgeIdentity(), Buffer.from('no age')), { code: 'not-encrypted-to-us' })
  })

  it('of a stranger changes nothing', async t => {
    const { device, home, identity, write } = await scene(t)
    const stranger = liveFleet('another').certify(testSigner('stranger'), { name: 'stranger' })
    const hidden = { members: () => device.directory.members().filter(({ role }) => role === 'controller') }
    const directory = {
      ...doors(device),
      ...hidden,
      certificate: () => ({ document: {} as never, envelope: stranger }),
    }
    const sealed = await write({ directory, identity: { ...device.identity, ...identityOf('stranger') } })
    await assert.rejects(take(home, identity, sealed), { code: 'not-a-member' })
    assert.deepEqual(home.directory.reports(), [])
  })

  it('is not written before a controller is known', async t => {
    const { device, write } = await scene(t)
    const directory = { ...doors(device), certificates: () => [] }
    await assert.rejects(write({ directory }), { code: 'no-reader' })
  })
})

function identityOf(word: string) {
  const signer = testSigner(word)
  return { signer, peerId: peerIdOf(signer.publicKey) }
}

async function scene(t: TestContext) {
  const mesh = await Mesh.of(t)
  const fleet = liveFleet()
  const folder = await mkdtemp(join(tmpdir(), 'thymesh-outbox-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  const device = await mesh.start({ word: 'device', fleet })
  const home = await mesh.start({ word: 'home', fleet })
  const identity = newAgeIdentity()
  const age = ageRecipientOf(identity)
  const controller = testSigner('controller')
  const certificate = fleet.certify(controller, { name: 'controller', role: 'controller', age })
  await device.directory.addCertificate(peerIdOf(controller.publicKey), certificate)
  const id = device.identity.peerId
  await device.directory.addReport(signEnvelope(reportKind, reportOf(fleet.fleet, id), testSigner('device')))
  await device.history.merge(id, [{ release: 3, outcome: 'running', at: '2020-01-02T03:04:05Z' }])
  const logs = { list: async () => [{ hash: 'a' }], read: async () => Buffer.from('the switch failed') }
  const write = async (other: object = {}) => {
    const { identity: own, history, peerState } = device
    const file = join(folder, 'outbox')
    const parts = { fleet: fleet.fleet, identity: own, directory: device.directory, history, logs }
    await writeOutbox({ ...parts, clock: peerState.clock, ...other }, file)
    return await readFile(file)
  }
  return { device, home, identity, write, sealed: await write() }
}

function doors({ directory }: TestPeer) {
  return {
    members: () => directory.members(),
    certificates: () => directory.certificates(),
    certificate: (peer: string) => directory.certificate(peer),
    report: (peer: string) => directory.report(peer),
  }
}

function take(peer: TestPeer, identity: string, sealed: Uint8Array) {
  const { fleet, directory, history, peerState } = peer
  const metrics = new CarriedMetrics(peerState.database.table('carried-metrics'))
  const snapshots = new CarriedSnapshots(peerState.database.table('carried-snapshots'))
  const identities = () => [identity]
  return takeOutbox({ fleet, directory, history, metrics, snapshots, identities, log: silentLogger }, sealed)
}
