/** Tests of whom a new root would cut off. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type Certificate, certificateKind, readCertificate } from '../../protocol/members/certificate.ts'
import { signEnvelope } from '../../protocol/signing/dsse.ts'
import { peerIdOf } from '../../protocol/signing/peer-id.ts'
import { withCode } from '../../test/helpers/errors.ts'
import { testFleet, testNow, testSigner } from '../../test/helpers/fleet.ts'
import { signedAnew } from './decide.ts'
import { isNamed, keptOf, orphanedBy } from './orphans.ts'

const fleet = testFleet()
const [old, fresh] = [fleet.keys.members, testSigner('new members')]

function peerWith(...envelopes: Uint8Array[]) {
  const known = new Map(envelopes.map(envelope => [readCertificate(envelope).peer, envelope]))
  const directory = {
    certificates: () => [...known.values()].map(readCertificate),
    certificate: (id: string) => ({ envelope: known.get(id), document: undefined }),
  }
  return { directory, state: { accepted: { authority: fleet.authority } } } as unknown as Parameters<
    typeof orphanedBy
  >[1]
}

const next = { keys: [fresh.publicKey], threshold: 1 }
const names = (...envelopes: Uint8Array[]) => orphanedBy(next, peerWith(...envelopes), testNow).map(({ name }) => name)

describe('whom a new root would cut off', () => {
  it('is who has the signature of old keys only', () => {
    const certificate = fleet.certify(testSigner('a'), { name: 'a' })
    assert.deepEqual(names(certificate), ['a'])
    const joined = fleet.join(fleet.token(), testSigner('b'), { name: 'b' })
    assert.deepEqual(names(joined), ['b'], 'a token ends with the key that signed it')
  })

  it('is not who has that of a new key too, by a certificate that is good before and after', () => {
    const before = readCertificate(fleet.certify(testSigner('a'), { name: 'a' }))
    const members = [old, fresh]
    const envelope = signedAnew(before, { report: undefined, members, now: testNow })
    assert.deepEqual(names(envelope), [])
    assert.ok(readCertificate(envelope).issued > before.issued)
  })

  it('is not who is out already', () => {
    const ended = fleet.certify(testSigner('a'), { name: 'a', expires: '2026-01-31T11:00:00Z' })
    const { peer, ...rest } = readCertificate(fleet.certify(testSigner('b'), { name: 'b' }))
    const forged = signEnvelope(certificateKind, { ...rest, peer }, testSigner('thief'))
    assert.deepEqual(names(ended, forged), [])
    assert.equal(peerIdOf(testSigner('b').publicKey), peer)
  })

  it('is asked of an operator whose keys both roots name', () => {
    assert.ok(isNamed([old, fresh], next.keys))
    assert.ok(!isNamed([old], next.keys))
  })
})

describe('orphans that stay members', () => {
  const of = (word: string, role: 'device' | 'controller' = 'device') =>
    readCertificate(fleet.certify(testSigner(word), { name: word, role }))
  const orphans = [of('kiosk-1'), of('till'), of('laptop', 'controller')]
  interface Choice {
    remove?: string[]
    keep?: string[]
    answer?: boolean
    yes?: boolean
    others?: Certificate[]
  }
  const choose = async ({ remove = ['mallory'], keep = [], answer = false, yes = false, others = [] }: Choice) => {
    const asked: string[] = []
    const ask = async (question: string) => {
      asked.push(question)
      return answer || yes
    }
    const kept = await keptOf(orphans, [...orphans, ...others], { remove, keep, yes }, ask)
    return { kept: kept.map(({ name }) => name), asked }
  }

  it('are none where an operator is removed and nobody is named', async () => {
    assert.deepEqual(await choose({}), { kept: [], asked: [] })
  })

  it('are the named ones, and a controller only after a question of its own', async () => {
    assert.deepEqual(await choose({ keep: ['kiosk-*'] }), { kept: ['kiosk-1'], asked: [] })
    assert.deepEqual(await choose({ keep: [orphans[1]?.peer ?? ''] }), { kept: ['till'], asked: [] })
    const all = await choose({ keep: ['*'] })
    assert.deepEqual(all.kept, ['kiosk-1', 'till'])
    assert.deepEqual(all.asked, [`Keep the controller laptop (${orphans[2]?.peer})?`])
    assert.deepEqual((await choose({ keep: ['*'], answer: true })).kept, ['kiosk-1', 'till', 'laptop'])
  })

  it('are all where keys only rotate', async () => {
    assert.deepEqual(await choose({ remove: [] }), { kept: ['kiosk-1', 'till', 'laptop'], asked: [] })
  })

  it('are devices alone where questions are answered beforehand, but for a peer ID', async () => {
    const laptop = orphans[2]?.peer ?? ''
    assert.deepEqual((await choose({ keep: ['*', 'laptop'], yes: true })).kept, ['kiosk-1', 'till'])
    assert.deepEqual((await choose({ keep: [laptop], yes: true })).kept, ['laptop'])
  })

  it('are asked for by peer ID where another member has the name', async () => {
    const namesake = { ...of('kiosk-1'), peer: peerIdOf(testSigner('namesake').publicKey) }
    const others = [namesake]
    await assert.rejects(choose({ keep: ['kiosk-1'], others }), withCode('ambiguous'))
    await assert.rejects(choose({ keep: ['kiosk-*'], others }), withCode('ambiguous'))
    assert.deepEqual((await choose({ keep: [orphans[0]?.peer ?? ''], others })).kept, ['kiosk-1'])
    await assert.rejects(choose({ keep: ['kisok-1'] }), withCode('unknown-member'))
    assert.deepEqual((await choose({ keep: ['tills-*'] })).kept, [])
  })
})
