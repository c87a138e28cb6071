/** Extensions of releases and reports: too many, too large, hidden, removed, smuggled to peers that don't know them. */

import assert from 'node:assert/strict'
import { signReport } from '../../../node/device/device-report.ts'
import { limits } from '../../../protocol/limits.ts'
import { extendedReportKind, openReport } from '../../../protocol/report/extended-report.ts'
import { signEnvelope } from '../../../protocol/signing/dsse.ts'
import { peerIdOf } from '../../../protocol/signing/peer-id.ts'
import { testSigner } from '../../helpers/fleet.ts'
import { reportOf, type TestPeer } from '../../helpers/mesh.ts'
import { dump } from '../../helpers/state.ts'
import type { Arena } from '../arena.ts'
import type { Attack } from '../attack.ts'
import { type Forged, forge, metaOf } from '../forge.ts'
import { forgeProposal } from '../forge-proposal.ts'
import type { HostilePeer } from '../hostile-peer.ts'
import { gossipRpc } from '../wire.ts'
import { shownToOperators } from './approvals.ts'

type Json = Record<string, unknown>

/** Targets whose release has this under `custom.thymesh`. */
function withCustom(thymesh: unknown) {
  return (role: string, signed: Json): Json => {
    const { release } = (signed.targets ?? {}) as { release?: Json }
    return role === 'targets' ? { ...signed, targets: { release: { ...release, custom: { thymesh } } } } : signed
  }
}

function extended(values: Json, critical: readonly string[] = []) {
  return withCustom({ v: 2, extensions: values, critical })
}

/** A forged release whose targets metadata has these bytes instead: snapshot and timestamp name them. */
function overTargets(arena: Arena, made: Forged, change: (targets: string) => string): Forged {
  const targets = Buffer.from(change(Buffer.from(made.targets).toString()))
  const forged = forge(arena.fleet, {
    release: made.release,
    twist: (role, signed) =>
      role === 'snapshot'
        ? { ...signed, meta: { ...(signed.meta as Json), 'targets.json': metaOf(targets, made.versions.targets) } }
        : signed,
  })
  return { ...forged, documents: [...forged.documents, targets] }
}

/** A member's signed report of version 2. */
function extendedReport(fleet: string, word: string, counter: number): Uint8Array {
  const signer = testSigner(word)
  const { document } = openReport(reportOf({ fleet, signer }, counter))
  return signReport(document, signer, { extensions: { note: 'hello' }, counter: counter + 1 })
}

/** Gossips on a topic; resolves to the victim's verdict. */
export async function judged(victim: TestPeer, hostile: HostilePeer, topic: string, bytes: Uint8Array) {
  const { topicValidators } = victim.host.services.pubsub
  const judge = topicValidators.get(topic)
  assert.ok(judge)
  const done = Promise.withResolvers<string | undefined>()
  topicValidators.set(topic, async (source, message) => {
    const verdict = await judge(source, message)
    if (Buffer.from(message.data).equals(bytes)) done.resolve(verdict)
    return verdict
  })
  const [connection] = hostile.host.getConnections()
  assert.ok(connection)
  const stream = await hostile.open(connection, '/meshsub/1.2.0')
  stream.send(gossipRpc(topic, bytes))
  return await done.promise
}

const releaseKeys = 'targets, snapshot and timestamp keys'

export const extensionAttacks: Attack[] = [
  {
    id: 'extensions-too-many',
    power: releaseKeys,
    tried: 'signs a release with more extensions than a release may have',
    expected: 'nothing changes; honest news are taken',
    async run(arena) {
      const victim = await arena.victim()
      const many = Object.fromEntries(Array.from({ length: limits.extensions + 1 }, (_, at) => [`x${at}`, at]))
      await arena.refuses(victim, forge(arena.fleet, { twist: extended(many) }), /expected 1 to 16 extensions, got 17/)
    },
  },
  {
    id: 'extensions-too-large',
    power: releaseKeys,
    tried: 'signs a release with an extension above the limit',
    expected: 'nothing changes; honest news are taken',
    async run(arena) {
      const victim = await arena.victim()
      const long = 'x'.repeat(limits.releaseExtension)
      await arena.refuses(victim, forge(arena.fleet, { twist: extended({ long }) }), /expected at most 98304 bytes/)
    },
  },
  {
    id: 'extensions-too-deep',
    power: releaseKeys,
    tried: 'signs a release with an extension of 500 lists in each other',
    expected: 'nothing changes; honest news are taken',
    async run(arena) {
      const victim = await arena.victim()
      let deep: unknown = 'inside'
      for (let each = 0; each < 500; each++) deep = [deep]
      await arena.refuses(victim, forge(arena.fleet, { twist: extended({ deep }) }), /at most 8 in each other/)
    },
  },
  {
    id: 'extension-twice',
    power: 'snapshot and timestamp keys',
    tried: 'writes a second value of one extension into signed metadata, where the signature still fits the last one',
    expected: 'nothing changes; honest news are taken',
    async run(arena) {
      const victim = await arena.victim()
      const made = forge(arena.fleet, { twist: extended({ note: 'true' }) })
      const twice = overTargets(arena, made, text => text.replace('{"note":"true"}', '{"note":"false","note":"true"}'))
      await arena.refuses(victim, twice, /expected canonical metadata/)
    },
  },
  {
    id: 'extension-stripped',
    power: 'snapshot and timestamp keys',
    tried: 'removes the extensions of a signed release',
    expected: 'nothing changes: the signature covers them; honest news are taken',
    async run(arena) {
      const victim = await arena.victim()
      const made = forge(arena.fleet, { twist: extended({ note: 'true' }, ['note']) })
      const strip = (text: string) => text.replace(/"custom":\{.*?\}\},("hashes")/, '$1')
      const changed = overTargets(arena, made, strip)
      assert.doesNotMatch(Buffer.from(changed.documents.at(-1) ?? []).toString(), /custom/)
      await arena.refuses(victim, changed, /targets metadata lacks the signatures/)
    },
  },
  {
    id: 'extension-uncritical',
    power: 'snapshot and timestamp keys',
    tried: 'makes a critical extension of a signed release uncritical, so that devices act without understanding it',
    expected: 'nothing changes: the signature covers it; honest news are taken',
    async run(arena) {
      const victim = await arena.victim()
      const made = forge(arena.fleet, { twist: extended({ note: 'true' }, ['note']) })
      const changed = overTargets(arena, made, text => text.replace('"critical":["note"]', '"critical":[]'))
      assert.notDeepEqual(changed.documents.at(-1), made.targets)
      await arena.refuses(victim, changed, /targets metadata lacks the signatures/)
    },
  },
  {
    id: 'approve-unknown-extension',
    power: 'targets key below threshold',
    tried: 'proposes a release with an extension that the other operators do not know, for them to sign unseen',
    expected: 'approve shows its name and its whole value, and whether it is critical',
    async run(arena) {
      const victim = await arena.victim()
      const { trusted } = victim.state.accepted ?? arena.fleet.published
      const custom = { thymesh: { v: 2, extensions: { 'run-at-noon': { program: '/bin/x' } }, critical: [] } }
      const proposal = forgeProposal({
        on: trusted,
        fleet: arena.fleet.fleet,
        signers: [arena.fleet.keys.targets],
        custom,
      })
      const { text } = shownToOperators(arena, victim, proposal)
      assert.match(text, /run-at-noon.*program: nothing → "\/bin\/x"/)
      assert.match(text, /critical: nothing → \[\]/)
    },
  },
  {
    id: 'report-extended-smuggled',
    power: 'device key',
    tried: 'sends a report of version 2 to peers of the version before: on their topic, and in their version of sync',
    expected: 'refused and not passed on; it is taken where reports of version 2 go',
    async run(arena) {
      const victim = await arena.victim()
      const hostile = await arena.hostile()
      const connection = await hostile.join(victim)
      await arena.kept(victim, hostile.id)
      const report = extendedReport(arena.fleet.fleet, 'hostile', 5)
      await hostile.sync(connection, {}, [{ report }])
      assert.equal(await judged(victim, hostile, victim.names.reports, report), 'reject')
      assert.equal(victim.directory.report(hostile.id), undefined)
      await victim.directory.flush()
      assert.deepEqual(await dump(victim.peerState.database, ['reports']), [])
      assert.equal(await judged(victim, hostile, victim.names.extendedReports, report), 'accept')
      assert.equal(victim.directory.report(hostile.id)?.document.counter, 6)
    },
  },
  {
    id: 'report-extensions-changed',
    power: 'device key',
    tried: "changes an extension in another member's report, or puts that member's report beside extensions of its own",
    expected: 'rejected; not kept',
    async run(arena) {
      const victim = await arena.victim()
      const behind = await arena.honest({ word: 'behind' })
      await victim.directory.addCertificate(behind.identity.peerId, behind.certificate)
      const hostile = await arena.hostile()
      await hostile.join(victim)
      const report = extendedReport(arena.fleet.fleet, 'behind', 5)
      const changed = Buffer.from(report)
      changed.write('HELLO', changed.indexOf('hello'))
      assert.equal(await judged(victim, hostile, victim.names.extendedReports, changed), 'reject')
      const { plain } = openReport(report)
      const [own, behindId] = [testSigner('hostile'), peerIdOf(behind.signer.publicKey)]
      for (const peer of [hostile.id, behindId]) {
        const beside = { v: 2 as const, fleet: arena.fleet.fleet, peer, counter: 99, report: plain.envelope }
        const mixed = signEnvelope(extendedReportKind, { ...beside, extensions: { note: 'mine' } }, own)
        assert.equal(await judged(victim, hostile, victim.names.extendedReports, mixed), 'reject')
      }
      assert.equal(victim.directory.report(behindId), undefined)
      await victim.directory.flush()
      assert.deepEqual(await dump(victim.peerState.database, ['reports']), [])
    },
  },
]
