/** Metadata that goes back, stands still, is mixed or was never signed: what a member relays that a repository would not. */

import assert from 'node:assert/strict'
import { releaseCodec } from '../../../protocol/release/release.ts'
import { daysAfter, testSigner } from '../../helpers/fleet.ts'
import { connect, liveFleet } from '../../helpers/mesh.ts'
import { until } from '../../helpers/until.ts'
import { timestampVersionOf } from '../accepted.ts'
import type { Attack } from '../attack.ts'
import { forge, metaOf, offerOf } from '../forge.ts'

const thief = testSigner('thief')

export const metadataAttacks: Attack[] = [
  {
    id: 'rollback-head',
    power: 'device key',
    tried: 'relays an older release with its own, valid signatures, and presents it as new',
    expected: 'nothing changes; honest updates are accepted',
    async run(arena) {
      const old = arena.fleet.published
      arena.fleet.release({ message: 'the second' })
      const victim = await arena.victim()
      await arena.refuses(victim, offerOf(arena.fleet, old), /timestamp version 2 or higher/)
    },
  },
  {
    id: 'rollback-snapshot',
    power: 'timestamp key',
    tried: 'signs a newer timestamp that names an older snapshot',
    expected: 'nothing changes; honest updates are accepted',
    async run(arena) {
      const old = arena.fleet.published
      arena.fleet.release()
      const victim = await arena.victim()
      const forged = forge(arena.fleet, {
        twist: (role, signed) =>
          role === 'timestamp' && old.trusted.snapshot
            ? { ...signed, meta: { 'snapshot.json': metaOf(old.trusted.snapshot.bytes, 1) } }
            : signed,
      })
      const documents = [...forged.documents, ...(offerOf(arena.fleet, old).documents ?? [])]
      await arena.refuses(victim, { ...forged, documents }, /snapshot version 2 or higher/)
    },
  },
  {
    id: 'rollback-targets',
    power: 'snapshot and timestamp keys',
    tried: 'signs a newer timestamp and snapshot over the targets of an older release',
    expected: 'nothing changes; honest updates are accepted',
    async run(arena) {
      const old = arena.fleet.published.trusted.targets
      assert.ok(old)
      arena.fleet.release()
      const victim = await arena.victim()
      const forged = forge(arena.fleet, {
        twist: (role, signed) =>
          role === 'snapshot'
            ? { ...signed, meta: { ...(signed.meta as object), 'targets.json': metaOf(old.bytes, 1) } }
            : signed,
      })
      const documents = [...forged.documents, old.bytes]
      await arena.refuses(victim, { ...forged, documents }, /targets.json version 2 or higher|targets.json/)
    },
  },
  {
    id: 'vanished-role',
    power: 'snapshot and timestamp keys',
    tried: 'signs a snapshot without the members role, to drop the revocations',
    expected: 'nothing changes; honest updates are accepted',
    async run(arena) {
      const victim = await arena.victim()
      const forged = forge(arena.fleet, {
        twist: (role, signed) => {
          if (role !== 'snapshot') return signed
          const { 'members.json': _, ...meta } = signed.meta as Record<string, unknown>
          return { ...signed, meta }
        },
      })
      await arena.refuses(victim, forged, /missing from the snapshot/)
    },
  },
  {
    id: 'mix-and-match',
    power: 'device key',
    tried: 'hands out the newest timestamp and snapshot with the targets of an older release',
    expected: 'nothing changes; honest updates are accepted',
    async run(arena) {
      const victim = await arena.victim()
      const old = arena.fleet.published.trusted.targets?.bytes
      const next = forge(arena.fleet)
      const twist = (request: object, bytes: Uint8Array | undefined) =>
        'hash' in request && bytes === next.targets ? old : bytes
      await arena.refuses(victim, { ...next, twist }, /no reachable member has the document/)
    },
  },
  {
    id: 'forged-metadata',
    power: 'device key',
    tried: 'signs timestamp, snapshot and targets with keys that the root does not name',
    expected: 'nothing changes; honest updates are accepted',
    async run(arena) {
      const victim = await arena.victim()
      const signers = { timestamp: [thief], snapshot: [thief], targets: [thief] }
      await arena.refuses(victim, forge(arena.fleet, { signers }), /timestamp metadata lacks the signatures/)
    },
  },
  {
    id: 'stolen-timestamp',
    power: 'timestamp key',
    tried: 'signs a head over a snapshot and targets of its own making',
    expected: 'nothing changes; honest updates are accepted',
    async run(arena) {
      const victim = await arena.victim()
      const forged = forge(arena.fleet, { signers: { snapshot: [thief], targets: [thief] } })
      await arena.refuses(victim, forged, /snapshot metadata lacks the signatures/)
    },
  },
  {
    id: 'stolen-snapshot',
    power: 'snapshot and timestamp keys',
    tried: 'signs head and snapshot over targets of its own making',
    expected: 'nothing changes; honest updates are accepted',
    async run(arena) {
      const victim = await arena.victim()
      await arena.refuses(
        victim,
        forge(arena.fleet, { signers: { targets: [thief] } }),
        /targets metadata lacks the signatures/,
      )
    },
  },
  {
    id: 'members-key-release',
    power: 'members key',
    tried: 'signs a release with the key of the members role',
    expected: 'nothing changes; honest updates are accepted',
    async run(arena) {
      const victim = await arena.victim()
      const signers = { targets: [arena.fleet.keys.members] }
      await arena.refuses(victim, forge(arena.fleet, { signers }), /targets metadata lacks the signatures/)
    },
  },
  {
    id: 'other-fleet-metadata',
    power: 'another fleet',
    tried: 'hands out the metadata of a fleet of its own, complete and valid there',
    expected: 'nothing changes; honest updates are accepted',
    async run(arena) {
      const victim = await arena.victim()
      const elsewhere = liveFleet('elsewhere')
      elsewhere.release({ message: 'elsewhere' })
      const offer = offerOf(elsewhere, elsewhere.published)
      await arena.refuses(victim, { ...offer, roots: [] }, /timestamp metadata lacks the signatures/)
    },
  },
  {
    id: 'expired-metadata',
    power: 'device key',
    tried: 'shows a device that joins a release whose metadata has expired',
    expected: 'the device accepts nothing of it and accepts an honest one',
    async run(arena) {
      const victim = await arena.victim({ trusts: 'none' })
      const forged = forge(arena.fleet, { expires: daysAfter(new Date(), -0.1) })
      await arena.offer(victim, forged)
      assert.equal(victim.state.accepted, undefined)
      assert.equal(await victim.peerState.database.table('trust').get('timestamp'), undefined)
      await arena.goesOn(victim)
    },
  },
  {
    id: 'freeze-joiner',
    power: 'device key',
    tried: 'cuts a device off and shows it an old release, not expired, as the newest',
    expected: 'the device accepts it, then the newest as soon as an honest peer is in reach; never the old one again',
    async run(arena) {
      const old = arena.fleet.published
      arena.fleet.release({ message: 'the second' })
      const victim = await arena.victim({ trusts: 'none' })
      const hostile = await arena.offer(victim, offerOf(arena.fleet, old))
      assert.equal(victim.state.accepted?.release.version, 1)
      await arena.goesOn(victim)
      const before = await arena.trust(victim)
      const judged = () => victim.log.count(/metadata was not refreshed/, hostile.id)
      const seen = judged()
      await hostile.sync(
        await hostile.join(victim, { root: 2, timestamp: 99 }),
        { head: { root: 1, timestamp: offerOf(arena.fleet, old).head } },
        [],
      )
      await until(() => judged() > seen, 'the victim to judge the old release again')
      assert.deepEqual(await arena.trust(victim), before)
    },
  },
  {
    id: 'equivocation',
    power: 'targets, snapshot and timestamp keys',
    tried: 'signs a second release of the version that the victim has',
    expected: 'the victim keeps its release',
    async run(arena) {
      const first = arena.fleet.published
      const honest = arena.fleet.release({ message: 'the honest one' })
      const victim = await arena.victim()
      const forged = forge(arena.fleet, { on: first, release: { message: 'the other one' } })
      assert.equal(forged.versions.timestamp, honest.trusted.timestamp?.signed.version)
      const before = await trustedFiles(victim)
      await arena.offer(victim, forged)
      assert.deepEqual(await trustedFiles(victim), before)
      assert.equal(victim.state.accepted?.release.message, 'the honest one')
    },
  },
  {
    id: 'fast-forward-nowhere',
    power: 'timestamp key',
    tried: 'signs a head of the highest version that leads to no release, so that honest ones look old',
    expected: 'a head that leads to no release is not kept: honest updates are accepted',
    async run(arena) {
      const victim = await arena.victim()
      const versions = { timestamp: 2 ** 48, snapshot: 2 ** 48 }
      const forged = forge(arena.fleet, { versions, signers: { snapshot: [thief], targets: [thief] } })
      await arena.refuses(victim, forged, /snapshot metadata lacks the signatures/)
    },
  },
  {
    id: 'wrong-release-version',
    power: 'targets, snapshot and timestamp keys',
    tried: 'names, under a new version, the document of an older release',
    expected: 'nothing changes: a release contains its version; honest updates are accepted',
    async run(arena) {
      arena.fleet.release()
      const victim = await arena.victim()
      const forged = forge(arena.fleet, { release: { version: 1 } })
      await arena.refuses(victim, forged, /expected release 3 /)
    },
  },
  {
    id: 'wrong-release-fleet',
    power: 'targets, snapshot and timestamp keys',
    tried: 'names the release document of another fleet',
    expected: 'nothing changes: a release contains its fleet; honest updates are accepted',
    async run(arena) {
      const victim = await arena.victim()
      const forged = forge(arena.fleet, { release: { fleet: liveFleet('elsewhere').fleet } })
      await arena.refuses(victim, forged, /expected release 2 of fleet/)
    },
  },
  {
    id: 'wrong-release-bytes',
    power: 'device key',
    tried: 'hands out true metadata with another release document',
    expected: 'the document is refused by its hash, and fetched from an honest member',
    async run(arena) {
      const victim = await arena.victim()
      const next = arena.fleet.release({ message: 'the true one' })
      let lies = 0
      const twist = (request: object, bytes: Uint8Array | undefined) => {
        if (!('hash' in request) || bytes === undefined || !isRelease(bytes)) return bytes
        lies++
        return releaseCodec.encode({ ...next.release, message: 'the false one' })
      }
      const hostile = await arena.hostile()
      await hostile.serve({ ...offerOf(arena.fleet, next), twist })
      await hostile.join(victim, { root: 1, timestamp: 9 })
      // Before anybody honest is there: otherwise the false document may never be asked for.
      await until(() => lies > 0, 'the false document to be asked for')
      const honest = await arena.honest()
      await connect(honest, victim).catch(() => {})
      await until(() => timestampVersionOf(victim) === 2, 'the true release')
      assert.equal(victim.state.accepted?.release.message, 'the true one')
      const kept = (await arena.trust(victim)).filter(line =>
        Buffer.from(line.split(' ')[2] ?? '', 'base64').includes('the false one'),
      )
      assert.deepEqual(kept, [])
    },
  },
]

function isRelease(bytes: Uint8Array): boolean {
  try {
    releaseCodec.decode(bytes)
    return true
  } catch {
    return false
  }
}

/** The metadata that a peer goes by, from its disk. */
async function trustedFiles(victim: {
  peerState: { database: { table(name: 'trust'): { get(key: string): Promise<Uint8Array | undefined> } } }
}) {
  const table = victim.peerState.database.table('trust')
  const names = ['timestamp', 'snapshot', 'role/targets', 'role/members']
  return Promise.all(names.map(async name => Buffer.from((await table.get(name)) ?? []).toString('base64')))
}
