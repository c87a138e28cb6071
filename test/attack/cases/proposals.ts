/** Proposals: what peers must neither keep nor pass on, and what they keep must move nothing. */

import assert from 'node:assert/strict'
import { sha256Hex } from '../../../protocol/encoding/hash.ts'
import { limits } from '../../../protocol/limits.ts'
import type { Signer } from '../../../protocol/signing/keys.ts'
import { type Proposal, proposalCountCodec, proposalDigestCodec } from '../../../protocol/trust/proposal.ts'
import { verifyProposal } from '../../../protocol/trust/proposals.ts'
import { testSigner } from '../../helpers/fleet.ts'
import { signJson } from '../../helpers/metadata.ts'
import { fate } from '../../helpers/raw-host.ts'
import { dump } from '../../helpers/state.ts'
import { until } from '../../helpers/until.ts'
import type { Arena, Victim } from '../arena.ts'
import type { Attack } from '../attack.ts'
import { type ForgeProposalInit, forgeProposal, wordOn } from '../forge-proposal.ts'
import { framed } from '../wire.ts'
import { operators, twoOfThree } from './roots.ts'

const thief = testSigner('thief')
const MiB = 1024 * 1024

/** A proposal on the victim's trusted set; by default by the fleet's targets key. */
function proposalOn(arena: Arena, victim: Victim, init: Partial<ForgeProposalInit> = {}): Proposal {
  const on = victim.state.accepted?.trusted ?? arena.fleet.published.trusted
  return forgeProposal({ on, fleet: arena.fleet.fleet, signers: [arena.fleet.keys.targets], ...init })
}

const onDisk = (victim: Victim) => dump(victim.peerState.database, ['proposals'])

/** An operator brings an honest one, and the victim keeps it: on disk, and in memory. */
async function takes(arena: Arena, victim: Victim, proposal: Proposal, word = 'operator'): Promise<string> {
  const operator = await arena.hostile(word)
  await operator.propose(await operator.join(victim), [proposal])
  const { trusted } = victim.state.accepted ?? {}
  assert.ok(trusted)
  const { id } = verifyProposal(proposal, trusted, arena.fleet.fleet)
  await until(() => victim.proposals.book.all.some(each => each.id === id), 'the honest proposal')
  assert.ok((await onDisk(victim)).some(line => line.includes(id)))
  return id
}

/** The victim refuses a proposal for this reason: nothing is kept of it or passed on; an honest one is accepted afterwards. */
async function refuses(arena: Arena, victim: Victim, proposal: Proposal, because: RegExp): Promise<void> {
  const before = await arena.trust(victim)
  const hostile = await arena.hostile()
  const connection = await hostile.join(victim)
  await hostile.propose(connection, [proposal]).catch(() => {})
  await until(() => victim.log.count(because, hostile.id) > 0, `a refusal like ${because}`)
  assert.deepEqual(await onDisk(victim), [])
  assert.deepEqual(await arena.trust(victim), before, 'the disk has changed')
  assert.deepEqual(await hostile.propose(connection, []), [], 'it is passed on')
  assert.deepEqual(hostile.asked, [], 'the victim has fetched something for it')
  const id = await takes(arena, victim, proposalOn(arena, victim, { message: 'honest' }))
  assert.deepEqual(
    victim.proposals.book.all.map(each => each.id),
    [id],
  )
}

const kept = 'neither kept nor passed on; an honest one is accepted'

export const proposalAttacks: Attack[] = [
  {
    id: 'proposal-forged',
    power: 'device key',
    tried: "proposes a release signed by a key that isn't the fleet's",
    expected: kept,
    async run(arena) {
      const victim = await arena.victim()
      await refuses(arena, victim, proposalOn(arena, victim, { signers: [thief] }), /isn't signed by its author/)
    },
  },
  {
    id: 'proposal-in-anothers-name',
    power: 'device key',
    tried: "proposes a release as an operator's, without that operator's signature",
    expected: kept,
    async run(arena) {
      const victim = await arena.victim()
      const author = arena.fleet.keys.targets
      await refuses(
        arena,
        victim,
        proposalOn(arena, victim, { signers: [thief], author }),
        /isn't signed by its author/,
      )
    },
  },
  {
    id: 'proposal-altered',
    power: 'device key',
    tried: "puts another release into an operator's proposal, under the metadata that was signed",
    expected: kept,
    async run(arena) {
      const victim = await arena.victim()
      const honest = proposalOn(arena, victim)
      const { documents } = proposalOn(arena, victim, { message: 'mine' })
      await refuses(arena, victim, { ...honest, documents }, /lacks the release that it names/)
    },
  },
  {
    id: 'proposal-huge-document',
    power: 'targets key',
    tried: 'proposes metadata that names a release of 16 MiB, which the victim should fetch',
    expected: 'nothing is fetched; neither kept nor passed on; an honest one is accepted',
    async run(arena) {
      const victim = await arena.victim()
      const huge = new Uint8Array(16 * MiB)
      const named = { length: huge.length, hashes: { sha256: sha256Hex(huge) } }
      await refuses(
        arena,
        victim,
        proposalOn(arena, victim, { named, documents: [] }),
        /lacks the release that it names/,
      )
    },
  },
  {
    id: 'proposal-giant',
    power: 'device key',
    tried: 'announces proposals of 4 GiB, digests of 1 MiB and lists of a million, again and again',
    expected: 'not read, not kept; dropped after 10',
    async run(arena) {
      const victim = await arena.victim()
      const hostile = await arena.hostile()
      const connection = await hostile.join(victim)
      const digest = framed(proposalDigestCodec.encode({ held: [] }))
      const count = framed(proposalCountCodec.encode({ count: 1 }))
      const many = Buffer.concat([Buffer.from('a165636f756e741a000f4240', 'hex')])
      const sent = [
        Buffer.concat([digest, count, framed(new Uint8Array(64), 2 ** 32 - 1)]),
        framed(new Uint8Array(MiB)),
        Buffer.concat([digest, framed(many)]),
      ]
      const isMember = () => victim.admission.member(hostile.host.peerId) !== undefined
      for (let each = 0; each < 60 && isMember(); each++) {
        const stream = await hostile.open(connection, hostile.names.proposals).catch(() => undefined)
        if (stream === undefined) continue
        const ended = fate(stream)
        stream.send(sent[each % sent.length] ?? digest)
        await ended
      }
      await until(() => !isMember(), 'the victim to drop it')
      assert.ok(victim.log.count(/violated the protocol too often/, hostile.id) > 0)
      assert.deepEqual(await onDisk(victim), [])
      await takes(arena, victim, proposalOn(arena, victim))
    },
  },
  {
    id: 'proposal-other-versions',
    power: 'targets key',
    tried: 'proposes releases of the version that is in force, of one below it, and of one far above it',
    expected: 'none is kept, on disk or in memory; the honest one of the next version is',
    async run(arena) {
      arena.fleet.release()
      const victim = await arena.victim()
      const hostile = await arena.hostile()
      const versions = [1, 2, 4, 2 ** 48].map(version => proposalOn(arena, victim, { version }))
      const honest = proposalOn(arena, victim, { message: 'honest' })
      await hostile.propose(await hostile.join(victim), [...versions, honest])
      await until(() => victim.proposals.book.all.length > 0, 'the honest proposal')
      assert.deepEqual(
        victim.proposals.book.all.map(({ release }) => release?.version),
        [3],
      )
      assert.equal((await onDisk(victim)).length, 1)
      assert.equal(victim.state.accepted?.release.version, 2)
    },
  },
  {
    id: 'proposal-replayed',
    power: 'device key',
    tried: 'replays an old proposal with valid signatures after another release was published',
    expected: "it is on nobody's list, on disk or in memory; the release stays; the next proposal is accepted",
    async run(arena) {
      const victim = await arena.victim()
      const old = proposalOn(arena, victim, { message: 'the old one' })
      await takes(arena, victim, old)
      await arena.goesOn(victim)
      await until(async () => (await onDisk(victim)).length === 0, 'the old proposal to be closed')
      const before = await arena.trust(victim)
      const hostile = await arena.hostile()
      const next = proposalOn(arena, victim, { message: 'the next one' })
      await hostile.propose(await hostile.join(victim), [old, next])
      await until(() => victim.proposals.book.all.length > 0, 'the next proposal')
      assert.deepEqual(
        victim.proposals.book.all.map(({ proposal }) => proposal.message),
        ['the next one'],
      )
      assert.equal((await onDisk(victim)).length, 1)
      assert.deepEqual(await arena.trust(victim), before)
    },
  },
  {
    id: 'proposal-stripped',
    power: 'device key',
    tried: "relays a proposal without the second signature, and with forged rejections in the operators' names",
    expected: "the signatures stay, on disk too; no statement without its operator's signature is kept",
    async run(arena) {
      const { victim } = await twoOfThree(arena)
      const [ann, ben] = operators as [Signer, Signer, Signer]
      const whole = proposalOn(arena, victim, { signers: [ann, ben] })
      const id = await takes(arena, victim, whole)
      const before = await onDisk(victim)
      const alone = signJson(JSON.parse(Buffer.from(whole.targets ?? []).toString()).signed, ann)
      const word = (signer: Signer) => wordOn(id, signer, { fleet: arena.fleet.fleet, verdict: 'rejected' })
      const forged = word({ ...thief, keyId: ann.keyId })
      const hostile = await arena.hostile()
      const stripped: Proposal = { ...whole, targets: alone, statements: [forged, word(thief)] }
      const mark = proposalOn(arena, victim, { signers: [ben], message: 'mark' })
      await hostile.propose(await hostile.join(victim), [stripped, mark])
      await until(() => victim.proposals.book.all.length === 2, 'what came after it')
      assert.deepEqual(
        (await onDisk(victim)).filter(line => line.includes(id)),
        before,
      )
      const verified = victim.proposals.book.all.find(each => each.id === id)
      assert.ok(verified?.complete)
      assert.deepEqual(verified.statements, [])
    },
  },
  {
    id: 'proposal-crowd',
    power: 'targets key below threshold',
    tried: "makes 40 proposals, dated in the future, to push out another operator's",
    expected: 'its newest 4 are kept, on disk too, and the other one; nothing is trusted before two have signed',
    async run(arena) {
      const { victim } = await twoOfThree(arena)
      const [ann, ben] = operators as [Signer, Signer, Signer]
      const honest = await takes(arena, victim, proposalOn(arena, victim, { signers: [ben] }))
      const before = await arena.trust(victim)
      const hostile = await arena.hostile()
      const crowd = Array.from({ length: 40 }, (_, second) => {
        return proposalOn(arena, victim, { signers: [ann], second: 1e9 + second, message: `crowd ${second}` })
      })
      await hostile.propose(await hostile.join(victim), crowd)
      const has = (message: string) => victim.proposals.book.all.some(({ proposal }) => proposal.message === message)
      await until(() => has('crowd 39'), 'the last of the crowd')
      const { all } = victim.proposals.book
      assert.equal(all.length, limits.proposalsPerAuthor + 1)
      assert.equal((await onDisk(victim)).length, limits.proposalsPerAuthor + 1)
      assert.ok(all.some(({ id }) => id === honest))
      assert.ok(all.every(({ complete }) => !complete))
      assert.deepEqual(await arena.trust(victim), before)
    },
  },
]
