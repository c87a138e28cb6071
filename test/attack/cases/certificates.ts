/** Certificates that make nobody a member: expired, of others, by nobody, beyond what a join token allows. */

import assert from 'node:assert/strict'
import { timeText } from '../../../protocol/encoding/fields.ts'
import { type Certificate, certificateKind } from '../../../protocol/members/certificate.ts'
import type { JoinToken } from '../../../protocol/members/join-token.ts'
import { signEnvelope } from '../../../protocol/signing/dsse.ts'
import { type Signer, signerOf } from '../../../protocol/signing/keys.ts'
import { peerIdOf } from '../../../protocol/signing/peer-id.ts'
import { daysAfter, type TestFleet, testSigner } from '../../helpers/fleet.ts'
import { liveFleet } from '../../helpers/mesh.ts'
import { dump } from '../../helpers/state.ts'
import type { Arena } from '../arena.ts'
import type { Attack, Power } from '../attack.ts'

const intruder = testSigner('intruder')

interface Bad {
  id: string
  power: Power
  tried: string
  /** Of the refusal. */
  because: RegExp
  certificate(fleet: TestFleet): Uint8Array
}

/** A certificate of the intruder, with anything in it, signed by anyone. */
function signedCertificate(fleet: TestFleet, change: Partial<Certificate>, ...signers: Signer[]): Uint8Array {
  const certificate: Certificate = {
    v: 1,
    fleet: fleet.fleet,
    peer: peerIdOf(intruder.publicKey),
    name: 'intruder',
    role: 'device',
    issued: timeText(fleet.now),
    expires: timeText(daysAfter(fleet.now, 365)),
    ...change,
  }
  return signEnvelope(certificateKind, certificate, ...signers)
}

const joined = (fleet: TestFleet, token: JoinToken, change: Partial<Certificate> = {}) =>
  signedCertificate(fleet, { grant: token.grant, ...change }, signerOf(token.seed), intruder)

const bad: Bad[] = [
  {
    id: 'certificate-expired',
    power: 'device key',
    tried: 'shows a certificate whose last day is over',
    because: /expired on/,
    certificate: fleet => fleet.certify(intruder, { name: 'intruder', expires: timeText(daysAfter(new Date(), -0.5)) }),
  },
  {
    id: 'certificate-other-fleet',
    power: 'another fleet',
    tried: 'shows a certificate of its own fleet',
    because: /expected a member of fleet/,
    certificate: () => liveFleet('elsewhere').certify(intruder, { name: 'intruder' }),
  },
  {
    id: 'certificate-of-another',
    power: 'no key',
    tried: "shows a member's certificate, which every member has and can pass on",
    because: /expected the certificate of/,
    certificate: fleet => fleet.certify(testSigner('victim'), { name: 'victim' }),
  },
  {
    id: 'certificate-self-signed',
    power: 'no key',
    tried: 'signs a certificate for itself',
    because: /signed by 0 of the 1 members keys/,
    certificate: fleet => signedCertificate(fleet, {}, intruder),
  },
  {
    id: 'certificate-wrong-role-key',
    power: 'targets key',
    tried: 'signs a certificate with the key of the targets role',
    because: /signed by 0 of the 1 members keys/,
    certificate: fleet => signedCertificate(fleet, { role: 'controller' }, fleet.keys.targets),
  },
  {
    id: 'certificate-promoted',
    power: 'device key',
    tried: 'puts the role controller into its certificate and keeps the signature',
    because: /signed by 0 of the 1 members keys/,
    certificate: fleet =>
      signedCertificate(fleet, { role: 'controller' }, { ...fleet.keys.members, sign: () => new Uint8Array(64) }),
  },
  {
    id: 'certificate-as-other-kind',
    power: 'device key',
    tried: "shows a join token's grant, which the members role has signed, as a certificate",
    because: /expected a member certificate/,
    certificate: fleet => fleet.token().grant,
  },
  {
    id: 'token-name',
    power: 'join token',
    tried: 'joins under a name that the token does not allow',
    because: /the join token is for names kiosk-\*/,
    certificate: fleet => joined(fleet, fleet.token({ names: 'kiosk-*' })),
  },
  {
    id: 'token-role',
    power: 'join token',
    tried: 'joins as a controller with a token for devices',
    because: /the join token is for the role device/,
    certificate: fleet => joined(fleet, fleet.token(), { role: 'controller' }),
  },
  {
    id: 'token-site',
    power: 'join token',
    tried: 'joins at another site than the token is for',
    because: /the join token is for site north/,
    certificate: fleet => joined(fleet, fleet.token({ site: 'north' }), { site: 'south' }),
  },
  {
    id: 'token-forever',
    power: 'join token',
    tried: 'writes itself a certificate for a hundred years',
    because: /certificates until/,
    certificate: fleet => joined(fleet, fleet.token(), { expires: timeText(daysAfter(fleet.now, 36_500)) }),
  },
  {
    id: 'token-self-made',
    power: 'no key',
    tried: 'makes a join token of its own and joins with it',
    because: /the join token is signed by 0/,
    certificate: fleet => joined(fleet, fleet.token({ signers: [intruder] })),
  },
  {
    id: 'token-other-fleet',
    power: 'another fleet',
    tried: 'joins with a token of its own fleet',
    because: /the join token is signed by 0/,
    certificate: fleet => joined(fleet, liveFleet('elsewhere').token()),
  },
  {
    id: 'token-grant-alone',
    power: 'device key',
    tried: "copies a token's grant out of a member's certificate, without the token's key",
    because: /isn't signed by its join token/,
    certificate: fleet => signedCertificate(fleet, { grant: fleet.token().grant }, intruder),
  },
]

export const certificateAttacks: Attack[] = [
  ...bad.map(
    ({ id, power, tried, because, certificate }): Attack => ({
      id,
      power,
      tried,
      expected: 'refused; served nothing; not in the list of members on disk or in memory',
      run: arena => isRefused(arena, certificate(arena.fleet), because),
    }),
  ),
  {
    id: 'token-other-peer',
    power: 'join token',
    tried: "writes a certificate in a controller's name and spreads it by sync, to make a device of the controller",
    expected: "the certificate isn't taken; the controller stays what it is",
    async run(arena) {
      const victim = await arena.victim()
      const controller = testSigner('controller')
      const peer = peerIdOf(controller.publicKey)
      const true1 = arena.fleet.certify(controller, { name: 'controller', role: 'controller' })
      await victim.directory.addCertificate(peer, true1)
      const token = arena.fleet.token()
      const later = timeText(daysAfter(arena.fleet.now, 0.5))
      const forged = signedCertificate(
        arena.fleet,
        { peer, grant: token.grant, issued: later },
        signerOf(token.seed),
        intruder,
      )
      const hostile = await arena.hostile()
      const connection = await hostile.join(victim)
      await arena.kept(victim, peer, hostile.id)
      const before = await dump(victim.peerState.database, ['members'])
      await hostile.sync(connection, {}, [{ certificate: forged, peer }])
      assert.equal(victim.directory.certificate(peer)?.document.role, 'controller')
      assert.deepEqual(await dump(victim.peerState.database, ['members']), before)
    },
  },
  {
    id: 'certificate-replayed',
    power: 'device key',
    tried: 'spreads an older certificate of another member by sync, to undo its newer one',
    expected: 'the newer one stays, on disk and in memory',
    async run(arena) {
      const victim = await arena.victim()
      const other = testSigner('other')
      const peer = peerIdOf(other.publicKey)
      const [old, fresh] = [0, 0.5].map(days =>
        arena.fleet.certify(other, { name: `other-${days * 2}`, issued: timeText(daysAfter(arena.fleet.now, days)) }),
      ) as [Uint8Array, Uint8Array]
      await victim.directory.addCertificate(peer, fresh)
      const hostile = await arena.hostile()
      await hostile.sync(await hostile.join(victim), {}, [{ certificate: old, peer }])
      assert.equal(victim.directory.certificate(peer)?.document.name, 'other-1')
      const kept = await victim.peerState.database.table('members').get(peer)
      assert.deepEqual(Buffer.from(kept ?? []), Buffer.from(fresh))
    },
  },
]

async function isRefused(arena: Arena, certificate: Uint8Array, because: RegExp): Promise<void> {
  const victim = await arena.victim()
  const hostile = await arena.hostile('intruder', certificate)
  const before = await dump(victim.peerState.database)
  const { connection, verdict } = await hostile.greet(victim)
  assert.equal(verdict.admitted, false)
  assert.match(verdict.reason ?? '', because)
  await assert.rejects(hostile.ask(connection, { head: true }))
  assert.equal(victim.admission.member(hostile.host.peerId), undefined)
  assert.deepEqual(victim.admission.members, [])
  assert.deepEqual(await dump(victim.peerState.database), before)
}
