/** Shards of a release: swapped on the way by a member, and lying though they are signed. */

import assert from 'node:assert/strict'
import { equalBytes, sha256, sha256Hex, toHex } from '../../../protocol/encoding/hash.ts'
import { mayName, readManifest } from '../../../protocol/release/join-shards.ts'
import { type Release, wantedConfig } from '../../../protocol/release/release.ts'
import { namedShards, placedEntries, shardCodec, shardManifestCodec } from '../../../protocol/release/shards.ts'
import { type SplitRelease, splitRelease } from '../../../protocol/release/split-release.ts'
import { connect } from '../../helpers/mesh.ts'
import { shardedSample } from '../../helpers/sharded.ts'
import { until } from '../../helpers/until.ts'
import type { Arena } from '../arena.ts'
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
]
