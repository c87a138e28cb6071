/** A stolen key of a site's operator: it moves neither another site's devices nor the fleet. */

import assert from 'node:assert/strict'
import { followed } from '../../../node/state/releases.ts'
import type { Signer } from '../../../protocol/signing/keys.ts'
import { type Loaded, makeTargets, signMetadata } from '../../../protocol/trust/metadata.ts'
import { publishNext } from '../../../protocol/trust/publish.ts'
import type { TrustedSet } from '../../../protocol/trust/trusted-set.ts'
import { type TestFleet, testClosure, testConfig, testSigner } from '../../helpers/fleet.ts'
import { signedJson, signJson } from '../../helpers/metadata.ts'
import { delegate, releaseAt, signedAt } from '../../helpers/sites.ts'
import type { Attack } from '../attack.ts'
import { forge, metaOf, offerOf } from '../forge.ts'
import type { Offer } from '../hostile-peer.ts'

const thief = testSigner('berlin operator')

export const siteAttacks: Attack[] = [
  {
    id: 'site-key-elsewhere',
    power: 'site key',
    tried: 'signs a release of its site that names a device of another one, and has it published',
    expected: 'the device stays with the release of the fleet',
    async run(arena) {
      delegate(arena.fleet, 'berlin', [thief])
      const certificate = arena.fleet.certify(testSigner('victim'), { name: 'victim', site: 'paris' })
      const victim = await arena.victim({ certificate })
      const { message } = arena.fleet.published.release
      const next = releaseAt(arena.fleet, 'berlin', [thief], { message: 'taken over' })
      await arena.offer(victim, offerOf(arena.fleet, next))
      assert.equal(victim.state.accepted?.sites.get('berlin')?.message, 'taken over')
      assert.equal(followed(victim.state.accepted, victim.own.certificate)?.message, message)
      await arena.goesOn(victim)
    },
  },
  {
    id: 'site-key-for-fleet',
    power: 'site, snapshot and timestamp keys',
    tried: "signs the fleet's targets",
    expected: 'nothing changes; honest updates are accepted',
    async run(arena) {
      delegate(arena.fleet, 'berlin', [thief])
      const victim = await arena.victim()
      await arena.refuses(
        victim,
        forge(arena.fleet, { signers: { targets: [thief] } }),
        /targets metadata lacks the signatures/,
      )
    },
  },
  {
    id: 'site-key-other-role',
    power: 'site, snapshot and timestamp keys',
    tried: "signs another site's role",
    expected: 'nothing changes; honest updates are accepted',
    async run(arena) {
      delegate(arena.fleet, 'berlin', [thief])
      delegate(arena.fleet, 'paris', [testSigner('paris operator')])
      const victim = await arena.victim()
      const signed = signedAt(arena.fleet, 'paris', [thief])
      await arena.refuses(victim, published(arena.fleet, 'paris', signed), /sites\/paris metadata lacks the signatures/)
    },
  },
  {
    id: 'site-key-below-threshold',
    power: 'site, snapshot and timestamp keys',
    tried: "publishes a release of its site with one of the two signatures that the site's operators must give",
    expected: 'nothing changes; honest updates are accepted',
    async run(arena) {
      delegate(arena.fleet, 'berlin', [thief, testSigner('another operator')])
      const victim = await arena.victim({ certificate: atBerlin(arena.fleet) })
      const signed = signedAt(arena.fleet, 'berlin', [thief])
      await arena.refuses(
        victim,
        published(arena.fleet, 'berlin', signed),
        /sites\/berlin metadata lacks the signatures/,
      )
    },
  },
  {
    id: 'site-key-rollback',
    power: 'site, snapshot and timestamp keys',
    tried: 'publishes an older release of its site with valid signatures',
    expected: 'the device stays with the newer one; honest updates are accepted',
    async run(arena) {
      delegate(arena.fleet, 'berlin', [thief])
      const old = signedAt(arena.fleet, 'berlin', [thief], { message: 'old' })
      releaseAt(arena.fleet, 'berlin', [thief], { message: 'old' })
      releaseAt(arena.fleet, 'berlin', [thief], { message: 'new', devices: { victim: { config: 'kiosk' } }, configs })
      const victim = await arena.victim({ certificate: atBerlin(arena.fleet) })
      assert.equal(followed(victim.state.accepted, victim.own.certificate)?.message, 'new')
      await arena.refuses(victim, published(arena.fleet, 'berlin', old), /version/)
      assert.equal(followed(victim.state.accepted, victim.own.certificate)?.message, 'new')
    },
  },
  {
    id: 'site-key-publishes',
    power: 'site key',
    tried: 'publishes a release of its site by itself: its key signs snapshot and timestamp, too',
    expected: 'nothing changes; honest updates are accepted',
    async run(arena) {
      delegate(arena.fleet, 'berlin', [thief])
      const victim = await arena.victim({ certificate: atBerlin(arena.fleet) })
      const signed = signedAt(arena.fleet, 'berlin', [thief], { devices: { victim: { config: 'kiosk' } }, configs })
      await arena.refuses(
        victim,
        published(arena.fleet, 'berlin', signed, thief),
        /timestamp metadata lacks the signatures/,
      )
    },
  },
  {
    id: 'site-key-other-paths',
    power: 'site key',
    tried: "names the fleet's release and another site's in its own role's metadata, and has it published",
    expected: 'nothing reads them there: devices elsewhere keep the releases of the fleet and of their site',
    async run(arena) {
      delegate(arena.fleet, 'berlin', [thief])
      delegate(arena.fleet, 'paris', [testSigner('paris operator')])
      const victim = await arena.victim({
        certificate: arena.fleet.certify(testSigner('victim'), { name: 'victim', site: 'paris' }),
      })
      const { message } = arena.fleet.published.release
      const { metadata, bytes } = signedAt(arena.fleet, 'berlin', [thief], { message: 'taken over' })
      const { version, expires } = metadata.signed
      const paths = ['release', 'sites/paris/release', 'sites/berlin/release']
      const all = makeTargets({ version, expires, targets: paths.map(path => ({ path, bytes })) })
      const ofSite = { site: 'berlin', metadata: signMetadata('targets', all, [thief]) }
      const { trusted, release } = arena.fleet.published
      const next = publishNext(trusted, { ofSite }, arena.fleet.keys, arena.fleet.now)
      const taken = arena.fleet.publish({ trusted: next, fleet: arena.fleet.fleet, release, documents: [bytes] })
      await arena.offer(victim, offerOf(arena.fleet, taken))
      assert.deepEqual([...(victim.state.accepted?.sites.keys() ?? [])], ['berlin'])
      assert.equal(victim.state.accepted?.release.message, message)
      assert.equal(followed(victim.state.accepted, victim.own.certificate)?.message, message)
      await arena.goesOn(victim)
    },
  },
]

const configs = { kiosk: testConfig(testClosure('kiosk')) }

function atBerlin(fleet: TestFleet): Uint8Array {
  return fleet.certify(testSigner('victim'), { name: 'victim', site: 'berlin' })
}

/** The published metadata with another document of a site's role; signed by the fleet's keys by default. */
function published(
  fleet: TestFleet,
  site: string,
  { metadata, bytes }: { metadata: Pick<Loaded<'targets'>, 'bytes' | 'signed'>; bytes: Uint8Array },
  by?: Signer,
): Offer {
  const { trusted } = fleet.published
  const { snapshot, timestamp } = trusted as Required<TrustedSet>
  const meta = {
    ...(signedJson(snapshot).meta as object),
    [`sites/${site}.json`]: metaOf(metadata.bytes, metadata.signed.version),
  }
  const version = snapshot.signed.version + 1
  const newSnapshot = signJson({ ...signedJson(snapshot), version, meta }, by ?? fleet.keys.snapshot)
  const named = { 'snapshot.json': metaOf(newSnapshot, version) }
  const next = timestamp.signed.version + 1
  const head = signJson({ ...signedJson(timestamp), version: next, meta: named }, by ?? fleet.keys.timestamp)
  const { roots, documents } = offerOf(fleet, fleet.published)
  return { head, roots, documents: [...(documents ?? []), newSnapshot, metadata.bytes, bytes] }
}
