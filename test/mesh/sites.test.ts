/** Sites with operators of their own among real peers: which release counts where, what is served, and after a restart. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { deviceStatuses } from '../../controller/queries/device-status.ts'
import { deviceRecipients } from '../../controller/secrets/release.ts'
import { followed, inForce } from '../../node/state/releases.ts'
import { closureCodec } from '../../protocol/closure/closure.ts'
import { testClosure, testConfig, testRecipient, testSigner } from '../helpers/fleet.ts'
import { connect, liveFleet, Mesh, type TestPeer } from '../helpers/mesh.ts'
import { delegate, releaseAt } from '../helpers/sites.ts'
import { until } from '../helpers/until.ts'

const kim = testSigner('kim')
const age = testRecipient('age')
const closure = testClosure('hall')
const config = testConfig(closure)
const content = (...devices: string[]) => ({
  configs: { hall: config },
  devices: Object.fromEntries(devices.map(name => [name, { config: 'hall' }])),
})
const messageAt = (peer: TestPeer) => followed(peer.state.accepted, peer.own.certificate)?.message
const head = (peer: TestPeer) => peer.state.accepted?.trusted.timestamp?.signed.version

describe('a site with operators of its own, in a mesh', () => {
  it('moves its own devices only, and gives them back when the delegation is removed', async t => {
    const mesh = await Mesh.of(t)
    const fleet = liveFleet()
    fleet.release({ message: 'of the fleet', ...content('here', 'there') })
    const old = delegate(fleet, 'berlin', [kim])
    const at = (word: string, site: string) => ({
      word,
      fleet,
      trusts: old,
      certificate: fleet.certify(testSigner(word), { name: word, site }),
    })
    const here = await mesh.start(at('here', 'berlin'))
    const there = await mesh.start(at('there', 'paris'))
    const news = async (word: string) => {
      const bringer = await mesh.start({ word, fleet })
      await connect(bringer, here)
      await connect(bringer, there)
      for (const peer of [here, there]) await until(() => head(peer) === head(bringer), `${peer.word} to hear`)
    }
    // It names a device of another site, too.
    releaseAt(fleet, 'berlin', [kim], { message: 'of berlin', ...content('here', 'there') })
    await news('first')
    assert.deepEqual([messageAt(here), messageAt(there)], ['of berlin', 'of the fleet'])
    // Both serve what a verified release of any site names.
    const hash = config.closure.multihash.digest
    for (const peer of [here, there]) await until(() => peer.closures.isReleased(hash), 'the closure to be known')
    assert.equal(closureCodec.encode(closure).length > 0, true)

    delegate(fleet, 'berlin', [])
    await news('second')
    assert.deepEqual([messageAt(here), messageAt(there)], ['of the fleet', 'of the fleet'])
    await here.stopAll()
    const again = await mesh.start(at('here', 'berlin'))
    assert.equal(messageAt(again), 'of the fleet')
  })

  it("gives nothing to a site operator's controller, a relay, though a release names a device like it", async t => {
    const mesh = await Mesh.of(t)
    const fleet = liveFleet()
    fleet.release({ message: 'of the fleet', ...content('kim', 'here') })
    delegate(fleet, 'berlin', [kim])
    releaseAt(fleet, 'berlin', [kim], { message: 'of berlin', ...content('kim') })
    const certificate = fleet.certify(testSigner('kim here'), { name: 'kim', site: 'berlin', role: 'relay', age })
    const relay = await mesh.start({ word: 'kim here', fleet, certificate })
    const here = await mesh.start({
      word: 'here',
      fleet,
      certificate: fleet.certify(testSigner('here'), { name: 'here', site: 'berlin', age }),
    })
    await connect(relay, here)
    await until(() => here.directory.certificates().length === 2, 'both certificates')
    assert.equal(messageAt(here), 'of the fleet')
    assert.equal(messageAt(relay), undefined)
    // A device of that name is still to come.
    assert.deepEqual(
      deviceStatuses(here).map(({ device, peer }) => [device, peer !== null]),
      [
        ['here', true],
        ['kim', false],
      ],
    )
    const registrar = { decisions: async () => [] }
    assert.deepEqual([...(await deviceRecipients({ peer: here, registrar })).keys()], ['here'])
    assert.deepEqual(
      Object.keys(inForce(fleet.published.release, here.state.accepted, here.directory.certificates()).devices),
      ['kim', 'here'],
    )
  })

  it('has its release after a restart', async t => {
    const mesh = await Mesh.of(t)
    const fleet = liveFleet()
    delegate(fleet, 'berlin', [kim])
    releaseAt(fleet, 'berlin', [kim], { message: 'of berlin', ...content('here') })
    const init = {
      word: 'here',
      fleet,
      certificate: fleet.certify(testSigner('here'), { name: 'here', site: 'berlin' }),
    }
    const first = await mesh.start(init)
    assert.equal(messageAt(first), 'of berlin')
    await first.stopAll()
    const again = await mesh.start(init)
    assert.equal(messageAt(again), 'of berlin')
    assert.deepEqual(
      (await again.state.siteReleases()).map(({ site, version }) => [site, version]),
      [['berlin', 1]],
    )
    assert.deepEqual(await again.state.releaseVersions(), [2])
  })
})
