/** Tests of sites with operators of their own: signers and their scope, and protection from rollback. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { testClosure, testConfig, testFleet, testSigner } from '../../test/helpers/fleet.ts'
import { signedJson, signJson } from '../../test/helpers/metadata.ts'
import { delegate, releaseAt, signedAt } from '../../test/helpers/sites.ts'
import { timeText } from '../encoding/fields.ts'
import { limits } from '../limits.ts'
import { effectiveRelease, releaseInForce } from '../release/effective-release.ts'
import { releaseCodec } from '../release/release.ts'
import { makeDelegations, makeTargets, signMetadata } from './metadata.ts'
import { nextRoot } from './next-root.ts'
import { makeStatement, type Proposal, proposalCodec } from './proposal.ts'
import { createProposal, mergeProposals, signProposal, verifyProposal } from './proposals.ts'
import { draftRelease, nextMembers, publishNext } from './publish.ts'
import { publishMembers } from './publish-members.ts'
import { refresh } from './refresh.ts'
import { namedSiteRelease, nixKeysFor, sitesOf, siteVersion } from './sites.ts'
import type { TrustedSet } from './trusted-set.ts'

const kim = testSigner('kim')
const lee = testSigner('lee')
const config = testConfig(testClosure('kiosk'))
const names = (...devices: string[]) => ({
  configs: { kiosk: config },
  devices: Object.fromEntries(devices.map(name => [name, { config: 'kiosk' }])),
})

/** A device's trusted set after an update to published metadata. */
const refreshed = (fleet: ReturnType<typeof testFleet>, before: TrustedSet, time = fleet.now) =>
  refresh(before, { ...fleet.fetcher(), root: async version => fleetRoots(fleet)[version - 1] }, time)

const fleetRoots = ({ history }: ReturnType<typeof testFleet>) => [
  ...new Map(history.map(({ trusted }) => [trusted.root.signed.version, trusted.root.bytes])).values(),
]

/** A proposal of a site's release, signed with these keys. */
function proposal(fleet: ReturnType<typeof testFleet>, site: string, signers = [kim], content = names('kiosk-1')) {
  const { trusted } = fleet.published
  const { bytes, metadata } = signedAt(fleet, site, [], content)
  const at = timeText(fleet.now)
  const [author = kim] = signers
  const said = { fleet: fleet.fleet, operator: 'kim', at, message: '' }
  const draft: Proposal = {
    v: 1,
    fleet: fleet.fleet,
    author: author.keyId,
    operator: 'kim',
    created: at,
    message: '',
    site: { name: site, metadata: metadata.bytes },
    documents: [bytes],
    statements: [],
  }
  const statementOf = (id: Uint8Array) => makeStatement({ ...said, proposal: id, verdict: 'proposed' }, author)
  return createProposal(draft, signers, statementOf, trusted)
}

describe('a site with operators of its own', () => {
  it('has a role whose release counts for the devices there that it names', async () => {
    const fleet = testFleet()
    const before = fleet.release(names('kiosk-1', 'kiosk-2')).trusted
    delegate(fleet, 'berlin', [kim])
    releaseAt(fleet, 'berlin', [kim], names('kiosk-1'))
    const trusted = await refreshed(fleet, before)
    assert.equal(namedSiteRelease(trusted, 'berlin')?.version, 1)
    assert.equal(trusted.targets?.signed.version, 3)
    const release = fleet.published.release
    const own = releaseCodec.decode(fleet.published.documents[0] ?? new Uint8Array())
    assert.equal(own.site, 'berlin')
    const releases = { release, sites: new Map([['berlin', own]]) }
    assert.equal(effectiveRelease(releases, { name: 'kiosk-1', site: 'berlin' }), own)
    // Named, but elsewhere by its certificate; there, but not named; without a site.
    assert.equal(effectiveRelease(releases, { name: 'kiosk-1', site: 'paris' }), release)
    assert.equal(effectiveRelease(releases, { name: 'kiosk-2', site: 'berlin' }), release)
    assert.equal(effectiveRelease(releases, { name: 'kiosk-1', site: undefined }), release)
    const places = [
      { name: 'kiosk-1', site: 'berlin' },
      { name: 'kiosk-2', site: 'paris' },
    ]
    assert.deepEqual(Object.keys(releaseInForce(release, releases, places).devices), ['kiosk-2'])
    assert.deepEqual(Object.keys(releaseInForce(own, releases, places).devices), ['kiosk-1'])
    assert.deepEqual(Object.keys(releaseInForce(own, releases, [{ name: 'kiosk-1', site: 'paris' }]).devices), [])
  })

  it("can't be spoken for by another site's key, by the fleet's, or below its threshold", () => {
    const fleet = testFleet()
    delegate(fleet, 'berlin', [kim])
    delegate(fleet, 'paris', [lee])
    assert.throws(() => releaseAt(fleet, 'berlin', [lee]), { code: 'not-signed' })
    assert.throws(() => releaseAt(fleet, 'berlin', [fleet.keys.targets]), { code: 'not-signed' })
    assert.throws(() => releaseAt(fleet, 'rome', [kim]), { code: 'not-signed' })
    delegate(fleet, 'berlin', [kim, lee])
    assert.throws(() => releaseAt(fleet, 'berlin', [kim]), { code: 'not-signed' })
    releaseAt(fleet, 'berlin', [kim, lee])
    assert.equal(siteVersion(fleet.published.trusted, 'berlin'), 1)
  })

  it("can't sign the fleet's release", () => {
    const fleet = testFleet()
    const { trusted } = delegate(fleet, 'berlin', [kim])
    const draft = draftRelease(trusted, fleet.fleet, { message: '', ...names('kiosk-1') }, fleet.now)
    const targets = signMetadata('targets', draft.targets, [kim])
    assert.throws(() => publishNext(trusted, { targets }, fleet.keys, fleet.now), { code: 'not-signed' })
  })

  it('never goes back to an older version of its role', async () => {
    const fleet = testFleet()
    delegate(fleet, 'berlin', [kim])
    const old = signedAt(fleet, 'berlin', [kim]).metadata
    releaseAt(fleet, 'berlin', [kim])
    releaseAt(fleet, 'berlin', [kim])
    const { trusted } = fleet.published
    const site = { ofSite: { site: 'berlin', metadata: old } }
    assert.throws(() => publishNext(trusted, site, fleet.keys, fleet.now), { code: 'rollback' })
    // Nor through giving the site up and taking it again.
    delegate(fleet, 'berlin', [])
    delegate(fleet, 'berlin', [kim])
    assert.equal(siteVersion(fleet.published.trusted, 'berlin'), 2)
    assert.throws(() => publishNext(fleet.published.trusted, site, fleet.keys, fleet.now), { code: 'rollback' })
  })

  it('gives way to the fleet when its delegation is removed, and comes back with its next release', async () => {
    const fleet = testFleet()
    delegate(fleet, 'berlin', [kim])
    const before = releaseAt(fleet, 'berlin', [kim], names('kiosk-1')).trusted
    delegate(fleet, 'berlin', [])
    const revoked = await refreshed(fleet, before)
    assert.equal(namedSiteRelease(revoked, 'berlin'), undefined)
    assert.equal(sitesOf(revoked.targets).size, 0)
    delegate(fleet, 'berlin', [lee])
    for (const known of [before, revoked]) {
      assert.equal(namedSiteRelease(await refreshed(fleet, known), 'berlin'), undefined)
    }
    releaseAt(fleet, 'berlin', [lee], names('kiosk-1'))
    for (const known of [before, revoked]) {
      assert.equal(namedSiteRelease(await refreshed(fleet, known), 'berlin')?.version, 2)
    }
  })

  it("stays through the fleet's releases, revocations and new roots", async () => {
    const fleet = testFleet()
    delegate(fleet, 'berlin', [kim], ['berlin-1:BBBB'])
    const before = releaseAt(fleet, 'berlin', [kim]).trusted
    fleet.release()
    fleet.revoke({ tokens: ['00'.repeat(16)] })
    const trusted = await refreshed(fleet, before)
    assert.equal(namedSiteRelease(trusted, 'berlin')?.version, 1)
    assert.deepEqual(nixKeysFor(trusted.root, 'berlin'), ['orchard-1:AAAA', 'berlin-1:BBBB'])
    assert.deepEqual(nixKeysFor(trusted.root, 'paris'), ['orchard-1:AAAA'])
    assert.deepEqual(nixKeysFor(trusted.root, undefined), ['orchard-1:AAAA'])
    const next = nextRoot(trusted, { add: [], remove: [], thresholds: {}, dropNixKeys: [] }, fleet.now)
    const renewed = signMetadata('root', next, [fleet.keys.root])
    assert.deepEqual(nixKeysFor(renewed, 'berlin'), ['orchard-1:AAAA', 'berlin-1:BBBB'])
  })

  it('keeps the version that a revoked site had through a change of members', () => {
    const fleet = testFleet()
    delegate(fleet, 'berlin', [kim])
    releaseAt(fleet, 'berlin', [kim])
    const { trusted } = delegate(fleet, 'berlin', [])
    const { keys } = fleet
    const signers = { members: [keys.members], snapshot: [keys.snapshot], timestamp: [keys.timestamp] }
    const next = publishMembers(trusted, { v: 1, fleet: fleet.fleet, peers: [] }, signers, fleet.now)
    assert.equal(siteVersion(next.trusted, 'berlin'), 1)
  })

  it("doesn't keep a new device from the fleet when it has expired", async () => {
    const fleet = testFleet()
    const { trusted: founded } = fleet.published
    delegate(fleet, 'berlin', [kim])
    const taken = releaseAt(fleet, 'berlin', [kim]).trusted
    const later = new Date(fleet.now.getTime() + 366 * 86_400_000)
    const { targets, ...online } = fleet.keys
    const draft = draftRelease(taken, fleet.fleet, { message: '', ...names() }, later)
    const current = taken.delegated.members
    assert.ok(current)
    const renewed = signMetadata('targets', nextMembers(current, later), [online.members])
    const again = { targets: signMetadata('targets', draft.targets, [targets]), members: renewed }
    const next = publishNext(taken, again, online, later)
    fleet.publish({ trusted: next, fleet: fleet.fleet, release: draft.release, documents: [draft.bytes] })
    const old = await refreshed(fleet, taken, later)
    assert.equal(namedSiteRelease(old, 'berlin')?.version, 1)
    const fresh = await refreshed(fleet, founded, later)
    assert.equal(namedSiteRelease(fresh, 'berlin'), undefined)
    assert.equal(fresh.targets?.signed.version, next.targets?.signed.version)
  })

  it('is refused where its role is not just that of one site', () => {
    const role = { keys: [kim.publicKey], threshold: 1 }
    const targets = (roles: Parameters<typeof makeDelegations>[0]) =>
      signMetadata(
        'targets',
        makeTargets({ version: 1, expires: '2030-01-01T00:00:00Z', targets: [], delegations: makeDelegations(roles) }),
        [kim],
      )
    assert.throws(() => targets({ 'sites/berlin': { ...role, paths: ['*'] } }), /sign sites\/berlin/)
    assert.throws(() => targets({ 'sites/berlin': { ...role, paths: ['sites/paris/*'] } }), /sign sites/)
    assert.throws(() => targets({ 'sites/a/b': { ...role, paths: ['sites/a/b/*'] } }), /a site's name/)
    const many = Array.from({ length: limits.sites + 1 }, (_, at) => `s${at}`)
    const all = many.map(site => [`sites/${site}`, { ...role, paths: [`sites/${site}/*`] }])
    assert.throws(() => targets(Object.fromEntries(all)), /at most 64 sites/)
  })
})

describe("a proposal of a site's release", () => {
  it("is complete with the site's signatures, and travels as any other", () => {
    const fleet = testFleet()
    const { trusted } = delegate(fleet, 'berlin', [kim, lee])
    const first = proposal(fleet, 'berlin', [kim])
    assert.equal(first.complete, false)
    assert.equal(first.release?.site, 'berlin')
    const read = verifyProposal(proposalCodec.decode(proposalCodec.encode(first.proposal)), trusted, fleet.fleet)
    assert.equal(read.id, first.id)
    const said = { fleet: fleet.fleet, operator: 'lee', at: timeText(fleet.now), message: '' }
    const word = makeStatement({ ...said, proposal: Buffer.from(first.id, 'hex'), verdict: 'approved' }, lee)
    const second = signProposal(read, [lee], word, trusted)
    assert.deepEqual([second.complete, second.id, second.statements.length], [true, first.id, 2])
    assert.equal(mergeProposals(first, second, trusted).complete, true)
  })

  it("has the word of the fleet's operators beside the site's signatures, and nobody else's", () => {
    const fleet = testFleet()
    const { trusted } = delegate(fleet, 'berlin', [kim])
    delegate(fleet, 'paris', [lee])
    const good = proposal(fleet, 'berlin')
    const said = { fleet: fleet.fleet, operator: 'ada', at: timeText(fleet.now), message: '' }
    const word = (by: typeof kim, verdict: 'approved' | 'rejected') =>
      makeStatement({ ...said, proposal: Buffer.from(good.id, 'hex'), verdict }, by)
    const after = [
      word(fleet.keys.targets, 'approved'),
      word(lee, 'approved'),
      word(fleet.keys.members, 'rejected'),
    ].reduce((verified, each) => signProposal(verified, [], each, fleet.published.trusted), good)
    assert.deepEqual(
      after.statements.map(({ key, verdict }) => [key, verdict]).sort(),
      [
        [kim.keyId, 'proposed'],
        [fleet.keys.targets.keyId, 'approved'],
      ].sort(),
    )
    assert.deepEqual([after.complete, after.id], [true, good.id])
    assert.equal(siteVersion(trusted, 'berlin'), 0)
  })

  it("is refused of anyone but the site's operators, for another site, and together with other parts", () => {
    const fleet = testFleet()
    delegate(fleet, 'berlin', [kim])
    delegate(fleet, 'paris', [lee])
    assert.throws(() => proposal(fleet, 'berlin', [lee]), { code: 'not-signed' })
    assert.throws(() => proposal(fleet, 'berlin', [fleet.keys.targets]), { code: 'not-signed' })
    assert.throws(() => proposal(fleet, 'rome', [kim]), { code: 'ahead' })
    const { trusted } = fleet.published
    const good = proposal(fleet, 'berlin')
    const elsewhere = {
      ...good.proposal,
      site: { name: 'paris', metadata: good.parts.site?.bytes ?? new Uint8Array() },
    }
    assert.throws(() => verifyProposal(elsewhere, trusted, fleet.fleet), { code: 'malformed' })
    const both = { ...good.proposal, members: trusted.delegated.members?.bytes ?? new Uint8Array() }
    assert.throws(() => verifyProposal(both, trusted, fleet.fleet))
    // An approver sees all documents of a proposal.
    const signed = { ...signedJson(good.parts.site ?? assert.fail()) }
    const more = { ...(signed.targets as object), 'sites/paris/release': Object.values(signed.targets as object)[0] }
    for (const hidden of [more, {}]) {
      const metadata = signJson({ ...signed, targets: hidden }, kim)
      const hiding = { ...good.proposal, site: { name: 'berlin', metadata } }
      assert.throws(() => verifyProposal(hiding, trusted, fleet.fleet), { code: 'malformed' })
    }
    releaseAt(fleet, 'berlin', [kim])
    assert.throws(() => verifyProposal(good.proposal, fleet.published.trusted, fleet.fleet), { code: 'stale' })
  })
})
