/** Tests of proposals: signers, valid signatures, completeness, and documents that don't belong in one. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { withCode } from '../../test/helpers/errors.ts'
import { testKeys, testNow, testSigner } from '../../test/helpers/fleet.ts'
import { timeText } from '../encoding/fields.ts'
import type { Signer } from '../signing/keys.ts'
import { signMetadata } from './metadata.ts'
import { nextRoot, type RootChanges } from './next-root.ts'
import { makeStatement, type Proposal, proposalCodec } from './proposal.ts'
import {
  createProposal,
  isSatisfied,
  mergeProposals,
  signProposal,
  type VerifiedProposal,
  verifyProposal,
  wantedSigners,
} from './proposals.ts'
import { draftRelease, type FleetKeys, foundFleet, nextMembers, publishNext } from './publish.ts'
import { membersOf } from './role-keys.ts'
import type { TrustedSet } from './trusted-set.ts'

const ada = testKeys('orchard')
const ben = testKeys('ben')
const cleo = testKeys('cleo')
const nix = 'orchard-1:AAAA'
const founded = foundFleet({ name: 'orchard', nixPublicKeys: [nix], keys: ada, now: testNow, operator: 'ada' })
const { fleet } = founded
const all = (keys: FleetKeys): Signer[] => Object.values(keys)
const card = (name: string, keys: FleetKeys) => ({
  name,
  nix: `${name}-1:BBBB`,
  keys: {
    root: keys.root.publicKey,
    targets: keys.targets.publicKey,
    snapshot: keys.snapshot.publicKey,
    timestamp: keys.timestamp.publicKey,
    members: keys.members.publicKey,
  },
})
const none: RootChanges = { add: [], remove: [], thresholds: {}, dropNixKeys: [] }

interface What {
  root?: RootChanges
  message?: string
}

/** A release, or a root with the targets that it asks for, proposed by someone. */
function proposed(
  trusted: TrustedSet,
  by: FleetKeys,
  what: What = {},
  signers: readonly Signer[] = all(by),
): VerifiedProposal {
  const root = what.root && signMetadata('root', nextRoot(trusted, what.root, testNow), [])
  const content = { message: what.message ?? 'news', configs: {}, devices: {} }
  const release = draftRelease(trusted, fleet, content, testNow, root)
  const current = trusted.delegated.members ?? assert.fail()
  const renews = root !== undefined && !isSatisfied(current, membersOf(root, trusted))
  const members = renews ? signMetadata('targets', nextMembers(current, testNow), []) : undefined
  const author = root === undefined ? by.targets : by.root
  const draft: Proposal = {
    v: 1,
    fleet,
    author: author.keyId,
    operator: 'someone',
    created: timeText(testNow),
    message: content.message,
    ...(root && { root: root.bytes }),
    targets: signMetadata('targets', release.targets, []).bytes,
    ...(members && { members: members.bytes }),
    documents: [release.bytes],
    statements: [],
  }
  return createProposal(draft, signers, statementOf(author, 'proposed'), trusted)
}

function statementOf(key: Signer, verdict: 'proposed' | 'approved' | 'rejected') {
  return (proposal: Uint8Array) =>
    makeStatement({ fleet, proposal, operator: 'someone', verdict, at: timeText(testNow), message: '' }, key)
}

function approved(verified: VerifiedProposal, by: FleetKeys, trusted: TrustedSet): VerifiedProposal {
  const statement = statementOf(by.targets, 'approved')(Buffer.from(verified.id, 'hex'))
  return signProposal(verified, all(by), statement, trusted)
}

/** The fleet with three operators, of whom two must sign roots and releases. */
function ofThree(): TrustedSet {
  const add = [card('ben', ben), card('cleo', cleo)]
  const thresholds = { root: 2, targets: 2, members: 2 }
  const first = proposed(founded.trusted, ada, { root: { ...none, add } })
  assert.equal(first.complete, true)
  const grown = publishNext(founded.trusted, first.parts, ada, testNow)
  const second = proposed(grown, ada, { root: { ...none, thresholds } })
  assert.equal(second.complete, false)
  const both = approved(second, ben, grown)
  assert.equal(both.complete, true)
  return publishNext(grown, both.parts, ben, testNow)
}

describe('a proposal', () => {
  const three = ofThree()

  it('is complete with the signatures that the root asks for, and publishes then', () => {
    const one = proposed(three, ada)
    assert.deepEqual([one.complete, one.release?.message], [false, 'news'])
    assert.throws(() => publishNext(three, one.parts, ada, testNow), withCode('not-signed'))
    const two = approved(one, cleo, three)
    assert.equal(two.id, one.id)
    assert.deepEqual([two.complete, two.statements.length], [true, 2])
    assert.equal(
      publishNext(three, two.parts, cleo, testNow).targets?.signed.version,
      (three.targets?.signed.version ?? 0) + 1,
    )
  })

  it('counts each operator once, and no stranger', () => {
    const one = proposed(three, ada)
    assert.equal(approved(one, ada, three).complete, false)
    assert.equal(approved(one, testKeys('stranger'), three).complete, false)
    assert.deepEqual(wantedSigners(one, all(ada)), [])
    assert.deepEqual(wantedSigners(one, all(ben)), [ben.targets])
  })

  it('has the same bytes wherever its signatures came together', () => {
    const one = proposed(three, ada)
    const [byBen, byCleo] = [approved(one, ben, three), approved(one, cleo, three)]
    const [here, there] = [mergeProposals(byBen, byCleo, three), mergeProposals(byCleo, byBen, three)]
    assert.deepEqual(proposalCodec.encode(here.proposal), proposalCodec.encode(there.proposal))
    assert.equal(here.requirements[0]?.signed.length, 3)
  })

  it('needs an author with a key of the fleet', () => {
    assert.throws(() => proposed(three, testKeys('stranger')), withCode('not-signed'))
    assert.throws(() => proposed(three, ada, {}, all(ben)), withCode('not-signed'))
  })

  it('loses what nobody asked for: signatures of strangers, and what they say', () => {
    const { proposal } = proposed(three, ada)
    const stranger = testSigner('stranger')
    const id = Buffer.from(verifyProposal(proposal, three, fleet).id, 'hex')
    const statements = [...proposal.statements, statementOf(stranger, 'approved')(id), Buffer.from('nothing')]
    assert.deepEqual(verifyProposal({ ...proposal, statements }, three, fleet).proposal, proposal)
    const ofAnother = statementOf(ben.targets, 'approved')(new Uint8Array(32))
    assert.deepEqual(verifyProposal({ ...proposal, statements: [ofAnother] }, three, fleet).statements, [])
  })

  it('is of one fleet, stands on what is trusted, and brings the release that it names', () => {
    const { proposal } = proposed(three, ada)
    assert.throws(() => verifyProposal(proposal, three, 'f'.repeat(64)), withCode('other-fleet'))
    assert.throws(() => verifyProposal(proposal, founded.trusted, fleet), withCode('ahead'))
    assert.throws(() => verifyProposal({ ...proposal, documents: [] }, three, fleet), withCode('malformed'))
    const { targets: _, ...nothing } = proposal
    assert.throws(() => verifyProposal(nothing, three, fleet), withCode('malformed'))
  })
})

describe('the next root', () => {
  const three = ofThree()

  it('needs the old threshold and the new one', () => {
    const lowered = proposed(three, ada, { root: { ...none, thresholds: { root: 1, targets: 1 } } })
    assert.equal(lowered.complete, false)
    assert.equal(approved(lowered, ben, three).complete, true)
  })

  it('takes an operator away with all keys, also those of Nix', () => {
    const root = nextRoot(three, { ...none, remove: ['cleo'] }, testNow)
    const text = JSON.stringify(root.toJSON())
    for (const signer of all(cleo)) assert.ok(!text.includes(signer.keyId))
    assert.ok(!text.includes('cleo-1:BBBB') && text.includes('ben-1:BBBB'))
  })

  it('gives an operator new keys in place of the old', () => {
    const root = nextRoot(three, { ...none, add: [card('ben', testKeys('ben again'))] }, testNow)
    assert.ok(!JSON.stringify(root.toJSON()).includes(ben.root.keyId))
    assert.equal(root.roles.root?.keyIDs.length, 3)
  })

  it('asks for no more signatures than there are keys, and for one of those that publish', () => {
    const refused = (changes: Partial<RootChanges>, code: string) =>
      assert.throws(() => nextRoot(three, { ...none, ...changes }, testNow), withCode(code))
    refused({ thresholds: { root: 4 } }, 'threshold')
    refused({ remove: ['ben', 'cleo'] }, 'threshold')
    refused({ thresholds: { timestamp: 2 } }, 'threshold')
    refused({ thresholds: { snapshot: 2 } }, 'threshold')
    refused({ remove: ['nobody'] }, 'unknown-operator')
    refused({ dropNixKeys: ['orchard-1', 'ben-1', 'cleo-1'] }, 'threshold')
  })

  it('decides who the members role is: targets that say otherwise are refused', () => {
    const mallory = {
      ...card('mallory', ben),
      keys: { ...card('mallory', ben).keys, members: testSigner('m').publicKey },
    }
    const verified = proposed(founded.trusted, ada, { root: { ...none, add: [mallory] } })
    const stolen = draftRelease(
      founded.trusted,
      fleet,
      { message: '', configs: {}, devices: {} },
      testNow,
      verified.parts.root,
    )
    const targets = signMetadata('targets', stolen.targets, [ada.targets])
    assert.throws(() => publishNext(founded.trusted, { targets }, ada, testNow), withCode('malformed'))
  })
})
