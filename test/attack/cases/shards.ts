/** Shards of a release: swapped or withheld by a member, and lying though they are signed. */

import assert from 'node:assert/strict'
import { followed } from '../../../node/state/releases.ts'
import { equalBytes, sha256, sha256Hex, toHex } from '../../../protocol/encoding/hash.ts'
import { mayName, readManifest } from '../../../protocol/release/join-shards.ts'
import { type Release, wantedConfig } from '../../../protocol/release/release.ts'
import { namedShards, placedEntries, shardCodec, shardManifestCodec } from '../../../protocol/release/shards.ts'
import { type SplitRelease, splitRelease } from '../../../protocol/release/split-release.ts'
import { testSigner } from '../../helpers/fleet.ts'
import { connect } from '../../helpers/mesh.ts'
import { shardedSample } from '../../helpers/sharded.ts'
import { delegate, releaseAt } from '../../helpers/sites.ts'
import { until } from '../../helpers/until.ts'
import { timestampVersionOf } from '../accepted.ts'
import type { Arena, Victim } from '../arena.ts'
import type { Attack } from '../attack.ts'

/** A release for the victim and others, each with a shard of its own. */
function splitFor({ fleet: { fleet } }: Arena): { whole: Release; split: SplitRelease } {
  const sample = shardedSample(3)
  const whole = { ...sample, fleet, devices: { ...sample.devices, victim: { config: 'kiosk' } } }
  return { whole, split: splitRelease(whole, 1) }
}

/** The fleet's next release is this one; its shards are left to the attacker. */
function release(arena: Arena, plain: Release): void {
  const { v: _v, fleet: _f, version: _n, created: _c, ...content } = plain
  arena.fleet.release(content)
}

export const shardAttacks: Attack[] = [
  {
    id: 'shard-swapped',
    power: 'device key',
    tried: 'hands out the part of another device where a device asks for its own part of a sharded release',
    expected: 'refused, nothing of it kept or applied; the part comes from an honest member',
    async run(arena) {
      const { whole, split } = splitFor(arena)
      release(arena, split.plain)
      const [manifest = new Uint8Array(), other, ...others] = split.documents
      const own = others.at(-1) ?? assert.fail()
      const hash = sha256(own)
      const victim = await arena.victim()
      const hostile = await arena.hostile()
      const isOwn = (request: object) => 'hash' in request && equalBytes(request.hash as Uint8Array, hash)
      await hostile.serve({ documents: [manifest], twist: (request, bytes) => (isOwn(request) ? other : bytes) })
      await hostile.join(victim)
      const refused = new RegExp(`no reachable member has the document ${toHex(hash).slice(0, 12)}`)
      await until(() => hostile.asked.some(isOwn) && victim.log.count(refused) > 0, 'the victim to refuse it')
      const accepted = victim.state.accepted?.release ?? assert.fail()
      assert.deepEqual([accepted.devices, mayName(accepted, 'victim')], [{}, true])
      assert.equal(await victim.state.document(hash), undefined)
      const honest = await arena.honest()
      await honest.state.keepDocument(own)
      await connect(honest, victim)
      const entry = () => wantedConfig(victim.state.accepted?.release ?? whole, 'victim')
      await until(entry, 'its own part')
      assert.deepEqual(entry(), wantedConfig(whole, 'victim'))
    },
  },
  {
    id: 'shard-lying',
    power: 'targets, snapshot and timestamp keys',
    tried:
      'signs a release whose part for one device also has an entry for another, which the list of parts has elsewhere',
    expected: 'nothing of the release is applied by anybody, with the reason; a next release is followed',
    async run(arena) {
      const { split } = splitFor(arena)
      const [bytes = new Uint8Array(), ...shards] = split.documents
      const manifest = readManifest(split.plain, bytes)
      const honest = shardCodec.decode(shards.at(-1) ?? bytes)
      const lie = shardCodec.encode({ ...honest, devices: { ...honest.devices, 'kiosk-00001': { config: 'kiosk' } } })
      const entries = placedEntries(manifest).map(({ entry }) => entry)
      const last = entries.pop() ?? assert.fail()
      const lying = shardManifestCodec.encode({
        ...manifest,
        waves: [[...entries, { ...last, hash: sha256(lie), size: lie.length }]],
      })
      const shardsOf = { ...namedShards(split.plain), document: sha256Hex(lying), critical: [] }
      release(arena, { ...split.plain, extensions: { values: { shards: shardsOf }, critical: ['shards'] } })
      const victim = await arena.victim()
      const hostile = await arena.hostile()
      await hostile.serve({ documents: [lying, ...shards, lie] })
      await hostile.join(victim)
      const problem = () => victim.state.accepted?.release.sharded?.problem
      await until(problem, 'the victim to read the lie')
      assert.equal(problem()?.code, 'wrong-shard')
      assert.deepEqual([victim.state.accepted?.release.devices, victim.state.accepted?.release.configs], [{}, {}])
      await arena.goesOn(victim)
    },
  },
  {
    id: 'shard-withheld',
    power: 'device key',
    tried: 'is asked first for the parts of a sharded release, and goes silent',
    expected: 'the release is accepted without them; each part comes from an honest member who is asked beside it',
    async run(arena) {
      const { whole, split } = splitFor(arena)
      const victim = await arena.victim()
      const hostile = await arena.hostile()
      const hashes = new Set(split.documents.map(sha256Hex))
      const isPart = (request: object) => 'hash' in request && hashes.has(toHex(request.hash as Uint8Array))
      await hostile.serve({ twist: request => (isPart(request) ? 'stall' : undefined) })
      await hostile.join(victim)
      release(arena, split.plain)
      const honest = await arena.honest()
      for (const document of split.documents) await honest.state.keepDocument(document)
      await connect(honest, victim)
      const entry = () => wantedConfig(victim.state.accepted?.release ?? whole, 'victim')
      await until(entry, 'its own part')
      assert.deepEqual(entry(), wantedConfig(whole, 'victim'))
      // Else nothing was tried.
      assert.ok(hostile.asked.some(isPart))
    },
  },
  {
    id: 'shard-foreign',
    power: 'targets, snapshot and timestamp keys',
    tried: 'signs a release with the parts of another release: of another fleet, and of one that has other devices',
    expected: 'nothing of the release is applied by anybody, with the reason; a next release is followed',
    async run(arena) {
      const { whole, split } = splitFor(arena)
      const other = splitRelease({ ...whole, fleet: '0'.repeat(64) }, 1)
      const few = splitRelease({ ...whole, devices: { victim: { config: 'kiosk' } } }, 1)
      const named = namedShards(split.plain)
      const ofFleet = namedShards(other.plain)
      const document = namedShards(few.plain)?.document
      const victim = await arena.victim()
      const hostile = await arena.hostile()
      await hostile.serve({ documents: [...split.documents, ...other.documents, ...few.documents] })
      await hostile.join(victim)
      for (const shards of [ofFleet, { ...named, document }]) {
        release(arena, { ...split.plain, extensions: { values: { shards: { ...shards } }, critical: ['shards'] } })
        const honest = await arena.honest({ word: `honest-${shards === ofFleet}` })
        await connect(honest, victim)
        const { version } = arena.fleet.published.release
        const accepted = () => victim.state.accepted?.release
        await until(
          () => accepted()?.version === version && accepted()?.sharded?.problem,
          'the victim to read the list',
        )
        assert.equal(accepted()?.sharded?.problem?.code, 'wrong-manifest')
        assert.deepEqual([accepted()?.devices, accepted()?.configs], [{}, {}])
        await honest.stopAll()
      }
      await arena.goesOn(victim)
    },
  },
  {
    id: 'shard-beside',
    power: 'targets, snapshot and timestamp keys',
    tried:
      'signs a sharded release whose own document names the victim, too, which operators and newer peers would not be shown, and keeps its parts back',
    expected: 'nothing of the release is applied by anybody, with the reason; a next release is followed',
    async run(arena) {
      const { whole, split } = splitFor(arena)
      const victim = await arena.victim()
      const beside = { configs: whole.configs, devices: { victim: { config: 'kiosk' } } }
      release(arena, { ...split.plain, ...beside })
      await takes(arena, victim)
      const accepted = victim.state.accepted?.release
      assert.deepEqual([accepted?.devices, accepted?.configs], [{}, {}])
      assert.equal(accepted?.sharded?.problem?.code, 'wrong-manifest')
      await arena.goesOn(victim)
    },
  },
  {
    id: 'site-key-shards',
    power: 'site key',
    tried:
      'has a release of its site published that names harmless parts, which operators would be shown, and names its device with something else',
    expected: 'nothing of it is applied, with the reason: the device follows the release of the fleet',
    async run(arena) {
      const { whole, split } = splitFor(arena)
      const thief = testSigner('berlin operator')
      const certificate = arena.fleet.certify(testSigner('victim'), { name: 'victim', site: 'berlin' })
      delegate(arena.fleet, 'berlin', [thief])
      const victim = await arena.victim({ certificate })
      const { extensions } = split.plain
      const beside = { configs: whole.configs, devices: { victim: { config: 'kiosk' } } }
      releaseAt(arena.fleet, 'berlin', [thief], { ...beside, ...(extensions && { extensions }) })
      await takes(arena, victim)
      const [own] = victim.state.accepted?.sites.values() ?? []
      assert.deepEqual([own?.site, own?.devices, own?.sharded?.problem?.code], ['berlin', {}, 'wrong-manifest'])
      // Whom its site's release names nowhere follows the fleet's.
      assert.equal(followed(victim.state.accepted, victim.own.certificate), victim.state.accepted?.release)
      await arena.goesOn(victim)
    },
  },
]

/** An honest member brings the victim what is published. */
async function takes(arena: Arena, victim: Victim): Promise<void> {
  const honest = await arena.honest({ word: 'bringer' })
  await connect(honest, victim)
  const { version } = arena.fleet.published.trusted.timestamp?.signed ?? assert.fail()
  await until(() => timestampVersionOf(victim) === version, 'the victim to take what is published')
}
