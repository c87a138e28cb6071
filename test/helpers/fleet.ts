/** A fleet for tests: fixed keys, fixed times, so the same calls always make the same bytes. */

import { bech32 } from '@scure/base'
import type { MetaFile } from '@tufjs/models'
import { type Closure, closureCodec, closureSize } from '../../protocol/closure/closure.ts'
import { cidOf } from '../../protocol/encoding/cid.ts'
import { timeText } from '../../protocol/encoding/fields.ts'
import { equalBytes, sha256 } from '../../protocol/encoding/hash.ts'
import { type Certificate, certificateKind } from '../../protocol/members/certificate.ts'
import { joinWithToken } from '../../protocol/members/join.ts'
import { type Grant, grantKind, type JoinToken } from '../../protocol/members/join-token.ts'
import type { MembershipAuthority } from '../../protocol/members/membership.ts'
import { revocationsCodec, withRevocation } from '../../protocol/members/revocations.ts'
import { encodeNix32 } from '../../protocol/nix/base32.ts'
import type { ReleasedConfig } from '../../protocol/release/release.ts'
import { signEnvelope } from '../../protocol/signing/dsse.ts'
import { type Signer, signerOf } from '../../protocol/signing/keys.ts'
import { peerIdOf } from '../../protocol/signing/peer-id.ts'
import { membersAuthority, namedRevocations } from '../../protocol/trust/fleet.ts'
import { type FleetKeys, foundFleet, type Published, type ReleaseContent } from '../../protocol/trust/publish.ts'
import { publishMembers } from '../../protocol/trust/publish-members.ts'
import type { MetadataFetcher } from '../../protocol/trust/refresh.ts'
import type { TrustedSet } from '../../protocol/trust/trusted-set.ts'
import { publishRelease } from './publish-release.ts'

/** When test fleets are founded and their documents written. */
export const testNow = new Date('2026-01-31T12:00:00Z')

/** A moment some days (or parts of a day) after another. */
export function daysAfter(date: Date, days: number): Date {
  return new Date(date.getTime() + days * 86_400_000)
}

/** The 32-byte seed that belongs to a word. Anyone can know it: for tests only. */
export function testSeed(word: string): Uint8Array {
  return sha256(Buffer.from(`thymesh test key: ${word}`))
}

/** An age recipient that belongs to a word. */
export function testRecipient(word: string): string {
  return bech32.encode('age', bech32.toWords(testSeed(word)))
}

export function testSigner(word: string): Signer {
  return signerOf(testSeed(word))
}

/** The keys of a fleet, one for each role. */
export function testKeys(fleet: string): FleetKeys {
  return {
    root: testSigner(`${fleet}/root`),
    targets: testSigner(`${fleet}/targets`),
    snapshot: testSigner(`${fleet}/snapshot`),
    timestamp: testSigner(`${fleet}/timestamp`),
    members: testSigner(`${fleet}/members`),
  }
}

/** A store path whose hash part is the same for the same name. */
export function testStorePath(name: string): string {
  return `/nix/store/${encodeNix32(sha256(Buffer.from(name)).subarray(0, 20))}-${name}`
}

/** A closure of a library, an application and a top level, each referencing what comes before. */
export function testClosure(name: string): Closure {
  const described = (suffix: string, references: number[], narSize: number) => ({
    path: testStorePath(`${name}${suffix}`),
    narHash: sha256(Buffer.from(`${name}${suffix}`)),
    narSize,
    references,
    recipe: sha256(Buffer.from(`${name}${suffix}.recipe`)),
    signatures: ['test-1:AAAA'],
  })
  return { v: 1, paths: [described('-library', [], 4096), described('-app', [0, 1], 8192), described('', [1, 0], 512)] }
}

/** A release's entry for the config with this closure. */
export function testConfig(closure: Closure): ReleasedConfig {
  return {
    system: 'x86_64-linux',
    target: 'portable',
    topLevel: closure.paths.at(-1)?.path ?? '',
    closure: cidOf(closureCodec.encode(closure)),
    paths: closure.paths.length,
    narSize: closureSize(closure),
  }
}

type CertifyInit = Partial<Omit<Certificate, 'v' | 'peer'>> & { name: string }
type TokenInit = Partial<Omit<Grant, 'v' | 'key'>> & { word?: string; bootstrap?: string[]; signers?: Signer[] }

export interface TestFleet {
  readonly name: string
  readonly fleet: string
  readonly keys: FleetKeys
  readonly now: Date
  /** The metadata that was published last; `release` replaces it. */
  readonly published: Published
  /** Everything published so far, founding first. */
  readonly history: readonly Published[]
  /** The authority that certificates are verified with, nobody revoked. */
  readonly authority: MembershipAuthority
  /** A certificate signed by the members role; a device's, valid for a year, if nothing else is said. */
  certify(peer: Signer, init: CertifyInit): Uint8Array
  /** A join token; for devices of any name, valid for 30 days, if nothing else is said. */
  token(init?: TokenInit): JoinToken
  /** The certificate that a device writes for itself with a join token. */
  join(token: JoinToken, peer: Signer, init: CertifyInit): Uint8Array
  /** Publishes the next release. */
  release(content?: Partial<ReleaseContent>, now?: Date): Published
  /** Takes what was published otherwise as the latest. */
  publish(next: Published): Published
  /** Revokes peers and join tokens, beside those that are revoked already. */
  revoke(revoked: { peers?: string[]; tokens?: string[] }, now?: Date): Published
  /** Serves what was published last, or what is given, out of memory. */
  fetcher(from?: Published): MetadataFetcher
  /** The release or revocation list with this SHA-256, of all that was published. */
  document(hash: Uint8Array): Uint8Array | undefined
}

/** Founds a fleet: the same name and time give the same fleet ID, keys and bytes. */
export function testFleet(
  init: { name?: string; now?: Date; keys?: FleetKeys; nixPublicKeys?: string[] } = {},
): TestFleet {
  const { name = 'orchard', now = testNow } = init
  const { nixPublicKeys = [`${name}-1:AAAA`] } = init
  const keys = init.keys ?? testKeys(name)
  const founded = foundFleet({ name, nixPublicKeys, keys, now })
  const { fleet } = founded
  const history = [founded]
  const latest = () => history.at(-1) ?? founded

  const certificate = (peer: Signer, certifyInit: CertifyInit): Certificate => ({
    v: 1,
    fleet,
    peer: peerIdOf(peer.publicKey),
    role: 'device',
    issued: timeText(now),
    expires: timeText(daysAfter(now, 365)),
    ...certifyInit,
  })

  return {
    name,
    fleet,
    keys,
    now,
    history,
    get published() {
      return latest()
    },
    authority: { fleet, ...membersAuthority(founded.trusted), revoked: new Set() },
    certify: (peer, certifyInit) => signEnvelope(certificateKind, certificate(peer, certifyInit), keys.members),
    token: ({ word = 'token', bootstrap = [], signers = [keys.members], ...grantInit } = {}) => {
      const grant: Grant = {
        v: 1,
        fleet,
        key: testSigner(word).publicKey,
        names: '*',
        role: 'device',
        issued: timeText(now),
        expires: timeText(daysAfter(now, 30)),
        certificateDays: 365,
        ...grantInit,
      }
      return { v: 1, fleet, grant: signEnvelope(grantKind, grant, ...signers), seed: testSeed(word), bootstrap }
    },
    join: (token, peer, certifyInit) => {
      const { v, fleet, peer: peerId, grant, ...request } = certificate(peer, certifyInit)
      return joinWithToken(token, peer, request)
    },
    release: (content = {}, at = now) => {
      const whole: ReleaseContent = { message: 'a release', configs: {}, devices: {}, ...content }
      const next = publishRelease(latest().trusted, fleet, whole, keys, at)
      history.push(next)
      return next
    },
    publish: next => {
      history.push(next)
      return next
    },
    revoke: ({ peers = [], tokens = [] }, at = now) => {
      const named = namedRevocations(latest().trusted)
      const bytes = history
        .flatMap(({ documents }) => documents)
        .find(each => named && equalBytes(sha256(each), named.hash))
      let list = bytes === undefined ? undefined : revocationsCodec.decode(bytes)
      if (list === undefined) throw new RangeError('expected a revocation list')
      for (const subject of peers) list = withRevocation(list, 'peer', { subject, at: timeText(at) })
      for (const subject of tokens) list = withRevocation(list, 'token', { subject, at: timeText(at) })
      const signers = { members: [keys.members], snapshot: [keys.snapshot], timestamp: [keys.timestamp] }
      const next = { ...latest(), ...publishMembers(latest().trusted, list, signers, at) }
      history.push(next)
      return next
    },
    fetcher: from => memoryFetcher((from ?? latest()).trusted),
    document: hash => {
      const documents = history.flatMap(published => published.documents)
      return documents.find(bytes => Buffer.from(sha256(bytes)).equals(hash))
    },
  }
}

/** A source that holds this trusted metadata, and the roots by version. */
export function memoryFetcher(
  trusted: TrustedSet,
  roots: readonly Uint8Array[] = [trusted.root.bytes],
): MetadataFetcher {
  const held = (bytes: Uint8Array | undefined, what: string): Uint8Array => {
    if (bytes === undefined) throw new RangeError(`expected ${what} in what the source holds`)
    return bytes
  }
  return {
    root: async version => roots[version - 1],
    timestamp: async () => held(trusted.timestamp?.bytes, 'a timestamp'),
    snapshot: async (_meta: MetaFile) => held(trusted.snapshot?.bytes, 'a snapshot'),
    targets: async (role: string, _meta: MetaFile) =>
      held(role === 'targets' ? trusted.targets?.bytes : trusted.delegated[role]?.bytes, role),
  }
}
