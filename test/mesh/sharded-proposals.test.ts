/** Tests of a sharded release that two operators sign, between real peers: the second sees all of it, or signs nothing. */

import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { fitContent } from '../../controller/release/fit-release.ts'
import { approve } from '../../controller/signing/proposing.ts'
import { signedParts } from '../../controller/signing/signed-changes.ts'
import { isWhole, wholeProposal } from '../../controller/signing/whole-proposal.ts'
import { proposalText } from '../../controller/views/proposal.ts'
import { type Release, wantedConfig } from '../../protocol/release/release.ts'
import { shardsManifestOf } from '../../protocol/release/shards.ts'
import { splitRelease } from '../../protocol/release/split-release.ts'
import { withCode } from '../helpers/errors.ts'
import { testSigner } from '../helpers/fleet.ts'
import { connect, liveFleet, Mesh } from '../helpers/mesh.ts'
import { sampleName, shardedSample } from '../helpers/sharded.ts'
import { acceptedAt, twoOperators } from '../helpers/two-operators.ts'
import { until } from '../helpers/until.ts'

const devices = 1000
const self = sampleName(30)

/** Ada's and Ben's controllers; their signatures are both needed for a release. */
async function scene(t: TestContext) {
  const mesh = await Mesh.of(t)
  const fleet = liveFleet()
  const peer = (word: string, about: { name: string; role?: 'controller' }) =>
    mesh.start({ word, fleet, certificate: fleet.certify(testSigner(word), about) })
  const [ada, ben] = [
    await peer('ada', { name: 'ada', role: 'controller' }),
    await peer('ben', { name: 'ben', role: 'controller' }),
  ]
  return { mesh, fleet, peer, ada, ben, ...(await twoOperators(fleet, ada)) }
}

describe('a sharded release of two operators', () => {
  it('is proposed, shown whole, and signed by the second; a device gets its part', async t => {
    const { fleet, peer, ada, ben, one, two, propose, publish } = await scene(t)
    // So many signatures of configs don't fit into the metadata.
    const { v: _v, fleet: _f, version: _n, created: _c, ...content } = shardedSample(devices, { own: true })
    const rollout = { waves: [{ count: 5 }] }
    const fitted = await fitContent({ state: ada.state, fleet: fleet.fleet }, { ...content, rollout }, one.now)
    assert.ok(shardsManifestOf(fitted) !== undefined)
    const proposed = propose({ content: fitted, message: 'many' })
    assert.equal(proposed.complete, false)

    // Ben hears of it from a device that carries proposals but no shards of others.
    const device = await peer('device', { name: self })
    await connect(device, ada)
    await ada.proposals.book.add(proposed.proposal)
    await until(() => device.proposals.book.all.length === 1, 'the device to carry it')
    await connect(ben, device)
    await until(() => ben.proposals.book.all.length === 1, 'the proposal')
    const [atBen = proposed] = ben.proposals.book.all
    const unseen = await wholeProposal(ben, atBen)
    assert.equal(isWhole(unseen.release as Release), false)
    assert.throws(() => approve(atBen, acceptedAt(ben).trusted, two, ''), withCode('not-shown'))
    assert.throws(() => approve(unseen, acceptedAt(ben).trusted, two, ''), withCode('shards-missing'))

    await connect(ben, ada)
    await until(async () => isWhole((await wholeProposal(ben, atBen)).release as Release), 'all shards')
    const seen = await wholeProposal(ben, atBen)
    const text = proposalText(seen, acceptedAt(ben))
    for (let at = 0; at < devices; at += 7) assert.ok(text.includes(`\n    ${sampleName(at)} (new)`), sampleName(at))
    const [part] = signedParts(seen, acceptedAt(ben)).filter(({ name }) => name === 'release')
    const places = new Set(part?.differences.map(({ path }) => path.slice(0, 3).join(' ')))
    assert.ok(places.has('devices kiosk-00999 config'))
    assert.ok(places.has('extensions binding kiosk-00999-config'))
    assert.ok(!places.has('sharded'))
    const signed = approve(seen, acceptedAt(ben).trusted, two, 'seen')
    assert.equal(signed.complete, true)
    await publish(ben, signed, two)
    await until(() => {
      const release = device.state.accepted?.release
      return release?.version === signed.release?.version && release && wantedConfig(release, self)
    }, 'its part on the device')
  })

  it('is not signed where its shards put a device into another wave than the rules do', async t => {
    const { fleet, ada, two, propose } = await scene(t)
    const version = (acceptedAt(ada).trusted.targets?.signed.version ?? 0) + 1
    const whole: Release = { ...shardedSample(20), fleet: fleet.fleet, version, rollout: { waves: [{ count: 5 }] } }
    // As if the rules of another version had chosen.
    const { plain, documents } = splitRelease({ ...whole, version: version + 1 }, 500)
    for (const bytes of documents) await ada.state.keepDocument(bytes)
    const { v: _v, fleet: _f, version: _n, created: _c, ...content } = plain
    const proposed = propose({ content, message: 'a wave of my choice' })
    const seen = await wholeProposal(ada, proposed)
    assert.equal(seen.release?.sharded?.problem?.code, 'wrong-shard')
    assert.throws(() => approve(seen, acceptedAt(ada).trusted, two, ''), withCode('wrong-shard'))
  })

  it('is not signed where its own document says more than is shown: what its shards say', async t => {
    const { fleet, ada, two, propose } = await scene(t)
    const version = (acceptedAt(ada).trusted.targets?.signed.version ?? 0) + 1
    const whole: Release = { ...shardedSample(20), fleet: fleet.fleet, version }
    const { plain, documents } = splitRelease(whole, 500)
    for (const bytes of documents) await ada.state.keepDocument(bytes)
    const { v: _v, fleet: _f, version: _n, created: _c, ...content } = plain
    const beside = { configs: whole.configs, devices: { [self]: { config: 'kiosk' } } }
    const seen = await wholeProposal(ada, propose({ content: { ...content, ...beside }, message: 'harmless' }))
    assert.throws(() => approve(seen, acceptedAt(ada).trusted, two, ''), withCode('wrong-manifest'))
  })
})
