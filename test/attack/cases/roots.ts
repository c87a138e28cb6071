/** Roots that nobody may sign: skipped, below the threshold, by the new keys alone. And what a good rotation mends. */

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { canonicalize } from '@tufjs/canonical-json'
import { membershipOf } from '../../../node/peer/membership.ts'
import { parseSettings } from '../../../node/settings/settings.ts'
import { formatJoinToken } from '../../../protocol/members/join-token.ts'
import { keyIdOf, type Signer, tufKeyJson } from '../../../protocol/signing/keys.ts'
import { daysAfter, testSigner } from '../../helpers/fleet.ts'
import { connect } from '../../helpers/mesh.ts'
import { signedJson, signJson, testRoot } from '../../helpers/metadata.ts'
import { until } from '../../helpers/until.ts'
import { timestampVersionOf } from '../accepted.ts'
import type { Arena, Victim } from '../arena.ts'
import type { Attack } from '../attack.ts'
import { type ForgeInit, forge, offerOf } from '../forge.ts'

/** Of a fleet where two of three must sign. */
export const operators = ['ann', 'ben', 'cem'].map(testSigner)
const thief = testSigner('thief')

/** The fleet's next root, which asks for two of three operators for a role; signed by the root key that holds. */
function rootOf(arena: Arena, role: 'targets' | 'root', signers: Signer[] = [arena.fleet.keys.root]): Uint8Array {
  const old = signedJson(arena.fleet.published.trusted.root) as {
    keys: Record<string, unknown>
    roles: Record<string, unknown>
    version: number
  }
  const keys = Object.fromEntries(operators.map(({ publicKey }) => [keyIdOf(publicKey), tufKeyJson(publicKey)]))
  const keyids = operators.map(({ keyId }) => keyId)
  return signJson(
    { ...old, version: 2, keys: { ...old.keys, ...keys }, roles: { ...old.roles, [role]: { keyids, threshold: 2 } } },
    ...signers,
  )
}

/** A victim in a fleet where a release needs two of three operators, and what an offer there is made of. */
export async function twoOfThree(
  arena: Arena,
): Promise<{ victim: Victim; offer: (init: ForgeInit) => ReturnType<typeof forge> }> {
  const victim = await arena.victim()
  const roots = [arena.fleet.published.trusted.root.bytes, rootOf(arena, 'targets')]
  const offer = (init: ForgeInit) => forge(arena.fleet, { roots, ...init })
  await arena.offer(victim, offer({ signers: { targets: operators.slice(0, 2) } }), 'operator')
  assert.equal(victim.state.accepted?.release.version, 2)
  return { victim, offer }
}

const versionsOf = (version: number) => ({ targets: version, snapshot: version, timestamp: version })
const next = versionsOf(3)

/** The victim keeps what it has, and takes what two operators have signed afterwards. */
async function keeps(
  { victim, offer }: Awaited<ReturnType<typeof twoOfThree>>,
  arena: Arena,
  bad: ReturnType<typeof forge>,
) {
  const before = await arena.trust(victim)
  const hostile = await arena.offer(victim, bad)
  assert.ok(victim.log.count(/targets metadata lacks the signatures/, hostile.id) > 0)
  assert.deepEqual(await arena.trust(victim), before)
  await arena.offer(victim, offer({ versions: next, signers: { targets: operators.slice(1) } }), 'operators')
  assert.equal(victim.state.accepted?.release.version, 3)
}

export const rootAttacks: Attack[] = [
  {
    id: 'release-below-threshold',
    power: 'targets key below threshold',
    tried: 'signs a release alone where two of three operators must',
    expected: 'nothing changes; a release with two signatures is accepted',
    async run(arena) {
      const scene = await twoOfThree(arena)
      const signers = { targets: operators.slice(0, 1) }
      await keeps(scene, arena, scene.offer({ versions: next, signers }))
    },
  },
  {
    id: 'release-signed-twice',
    power: 'targets key below threshold',
    tried: "signs a release twice: under its own key's ID and under another operator's",
    expected: 'nothing changes: a key counts once; a release with two signatures is accepted',
    async run(arena) {
      const scene = await twoOfThree(arena)
      const [ann, ben] = operators as [Signer, Signer, Signer]
      const alias: Signer = { ...ann, keyId: ben.keyId, sign: message => ann.sign(message) }
      await keeps(scene, arena, scene.offer({ versions: next, signers: { targets: [ann, alias] } }))
    },
  },
  {
    id: 'root-by-new-keys',
    power: 'device key',
    tried: 'hands out a root version 2 that only its own new keys have signed',
    expected: 'nothing changes; honest updates are accepted',
    async run(arena) {
      const victim = await arena.victim()
      const root = testRoot({ version: 2, roles: { root: [thief], targets: [thief] }, signers: [thief] })
      const roots = [arena.fleet.published.trusted.root.bytes, root]
      await arena.refuses(
        victim,
        forge(arena.fleet, { roots, signers: { targets: [thief] } }),
        /root metadata lacks the signatures/,
      )
    },
  },
  {
    id: 'root-skipped',
    power: 'device key',
    tried: 'hands out root version 3 as the one after version 1, to leave out a rotation',
    expected: 'nothing changes; honest updates are accepted',
    async run(arena) {
      const victim = await arena.victim()
      const root = signJson({ ...signedJson(arena.fleet.published.trusted.root), version: 3 }, arena.fleet.keys.root)
      const roots = [arena.fleet.published.trusted.root.bytes, root]
      await arena.refuses(victim, forge(arena.fleet, { roots }), /expected root version 2, got 3/)
    },
  },
  {
    id: 'root-below-threshold',
    power: 'root key below threshold',
    tried: 'makes itself the only root key where two of three must sign',
    expected: 'the victim stays at the root before; a release with two signatures is accepted',
    async run(arena) {
      const victim = await arena.victim()
      const one = arena.fleet.published.trusted.root.bytes
      const two = rootOf(arena, 'root', [arena.fleet.keys.root, ...operators.slice(0, 2)])
      const three = (signers: Signer[]) => {
        const signed = JSON.parse(Buffer.from(two).toString()).signed
        return signJson({ ...signed, version: 3 }, ...signers)
      }
      await arena.offer(victim, forge(arena.fleet, { roots: [one, two] }), 'operator')
      assert.equal(victim.state.versions.root, 2)
      const stolen = JSON.parse(Buffer.from(three([])).toString()).signed
      stolen.roles.root = { keyids: [operators[0]?.keyId], threshold: 1 }
      const versions = { targets: 3, snapshot: 3, timestamp: 3 }
      const bad = forge(arena.fleet, { roots: [one, two, signJson(stolen, ...operators.slice(0, 1))], versions })
      const { id } = await arena.offer(victim, bad)
      assert.ok(victim.log.count(/root metadata lacks the signatures/, id) > 0)
      assert.equal(victim.state.versions.root, 2)
      assert.equal(await victim.state.trustStore.root(3), undefined)
      await arena.offer(
        victim,
        forge(arena.fleet, { roots: [one, two, three(operators.slice(1))], versions }),
        'operators',
      )
      assert.equal(victim.state.versions.root, 3)
    },
  },
  {
    id: 'fast-forward',
    power: 'snapshot and timestamp keys',
    tried: 'signs head and snapshot of the highest version over the true targets, so that honest ones look old',
    expected: 'a new root with new keys for both ends it: metadata by the old keys is dropped',
    async run(arena) {
      const victim = await arena.victim()
      const { trusted } = arena.fleet.published
      const forged = forge(arena.fleet, {
        versions: { timestamp: 2 ** 48, snapshot: 2 ** 48 },
        twist: (role, signed) =>
          role === 'snapshot' && trusted.snapshot ? { ...signed, meta: signedJson(trusted.snapshot).meta } : signed,
      })
      await arena.offer(victim, forged)
      assert.equal(timestampVersionOf(victim), 2 ** 48)
      const [snapshot, timestamp] = ['new snapshot', 'new timestamp'].map(testSigner) as [Signer, Signer]
      const root = testRoot({
        version: 2,
        roles: { snapshot: [snapshot], timestamp: [timestamp] },
        now: arena.fleet.now,
      })
      const honest = forge(arena.fleet, {
        roots: [trusted.root.bytes, root],
        signers: { snapshot: [snapshot], timestamp: [timestamp] },
        release: { message: 'after the rotation' },
      })
      await arena.offer(victim, honest, 'operator')
      assert.equal(victim.state.accepted?.release.message, 'after the rotation')
      assert.equal(timestampVersionOf(victim), 2)
    },
  },
  {
    id: 'time-forward',
    power: 'targets, snapshot and timestamp keys',
    tried: 'dates a release in 2099, so that the time floor makes all honest metadata expire',
    expected: 'the floor, on disk, rises by 30 days at most: honest news and members are taken',
    async run(arena) {
      const victim = await arena.victim()
      await arena.offer(victim, forge(arena.fleet, { release: { created: '2099-01-01T00:00:00Z' } }))
      const floor = await victim.peerState.own.timeFloor()
      assert.ok(floor < daysAfter(new Date(), 31), `the floor is ${floor.toISOString()}`)
      const versions = { targets: 3, snapshot: 3, timestamp: 3 }
      const honest = forge(arena.fleet, { versions, release: { message: 'honest news' } })
      await arena.offer(victim, honest, 'operator')
      assert.equal(victim.state.accepted?.release.message, 'honest news')
      await (await arena.hostile('device')).join(victim)
    },
  },
  {
    id: 'time-forward-twice',
    power: 'targets, snapshot and timestamp keys',
    tried: 'dates a release in 2099, then another one, to lift the time floor step by step',
    expected: 'both together lift the floor, on disk, by 30 days at most: honest news and members are taken',
    async run(arena) {
      const victim = await arena.victim()
      const release = { created: '2099-01-01T00:00:00Z' }
      await arena.offer(victim, forge(arena.fleet, { release }), 'first')
      await arena.offer(victim, forge(arena.fleet, { release, versions: versionsOf(3) }), 'second')
      assert.equal(victim.state.accepted?.release.version, 3)
      const floor = await victim.peerState.own.timeFloor()
      assert.ok(floor < daysAfter(new Date(), 31), `the floor is ${floor.toISOString()}`)
      const honest = forge(arena.fleet, { versions: versionsOf(4), release: { message: 'honest news' } })
      await arena.offer(victim, honest, 'operator')
      assert.equal(victim.state.accepted?.release.message, 'honest news')
      await (await arena.hostile('device')).join(victim)
    },
  },
  {
    id: 'time-forward-token',
    power: 'members key',
    tried: 'gives a device that joins a token dated 2099, so that the time floor makes all honest metadata expire',
    expected: 'the floor, on disk, rises by 30 days at most: honest news and members are taken',
    async run(arena) {
      const victim = await arena.victim({ trusts: 'none' })
      const dates = { issued: '2099-01-01T00:00:00Z', expires: '2099-12-31T00:00:00Z' }
      const token = formatJoinToken(arena.fleet.token(dates))
      await membershipOf(victim.peerState, parseSettings({ join: { token, name: 'kiosk-1' } }, 'test'))
      const floor = await victim.peerState.own.timeFloor()
      assert.ok(floor > new Date() && floor <= daysAfter(new Date(), 30), `the floor is ${floor.toISOString()}`)
      await arena.goesOn(victim)
    },
  },
  {
    id: 'root-huge',
    power: 'device key',
    tried: 'hands out a root of 65 KiB, and one nested 20,000 deep',
    expected: 'neither is read; honest updates are accepted',
    async run(arena) {
      const victim = await arena.victim()
      const { trusted } = arena.fleet.published
      const huge = Buffer.from(canonicalize({ signed: 'x'.repeat(65 * 1024), signatures: [] }))
      await arena.refuses(victim, forge(arena.fleet, { roots: [trusted.root.bytes, huge] }), /at most 65536 bytes/)
      const deep = Buffer.from(`${'['.repeat(20_000)}${']'.repeat(20_000)}`)
      await arena.offer(victim, forge(arena.fleet, { roots: [trusted.root.bytes, deep] }), 'deep')
      assert.equal(victim.state.versions.root, 1)
    },
  },
  {
    id: 'old-root-relay',
    power: 'device key',
    tried: 'denies a rotation, and relays metadata by the old keys',
    expected: 'the victim stays at the new root and takes nothing of it',
    async run(arena) {
      const victim = await arena.victim()
      const { trusted } = arena.fleet.published
      const root = testRoot({ version: 2, roles: { timestamp: [thief] }, now: arena.fleet.now })
      const roots = [trusted.root.bytes, root]
      await arena.offer(victim, forge(arena.fleet, { roots, signers: { timestamp: [thief] } }), 'operator')
      assert.equal(victim.state.versions.root, 2)
      const before = await arena.trust(victim)
      const old = arena.fleet.release()
      const { id } = await arena.offer(victim, offerOf(arena.fleet, old))
      assert.ok(victim.log.count(/timestamp metadata lacks the signatures/, id) > 0)
      assert.deepEqual(await arena.trust(victim), before)
      await until(() => victim.state.versions.root === 2, 'the new root to hold')
      const late = await arena.honest({ word: 'late' })
      const synced = once(victim.sync, 'synced')
      await connect(late, victim)
      await synced
      assert.deepEqual(await arena.trust(victim), before)
    },
  },
]
