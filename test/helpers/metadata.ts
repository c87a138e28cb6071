/** Trust metadata that `publish` would never sign, for tests: other keys, versions, dates and fields. */

import { canonicalize } from '@tufjs/canonical-json'
import { timeText } from '../../protocol/encoding/fields.ts'
import { toHex } from '../../protocol/encoding/hash.ts'
import type { Signer } from '../../protocol/signing/keys.ts'
import { type Loaded, makeRoot, type RoleKeys, signMetadata } from '../../protocol/trust/metadata.ts'
import { lifetimes } from '../../protocol/trust/publish.ts'
import { daysAfter, testKeys, testNow } from './fleet.ts'

type RootRole = 'root' | 'targets' | 'snapshot' | 'timestamp'
type Json = Record<string, unknown>

/** The root of this version; roles that aren't given have the fleet's own key. Signed by the new root keys, or `signers`. */
export function testRoot(init: {
  version: number
  name?: string
  roles?: Partial<Record<RootRole, Signer[]>>
  threshold?: number
  signers?: Signer[]
  now?: Date
}): Uint8Array {
  const { version, name = 'orchard', roles = {}, threshold = 1, now = testNow } = init
  const keys = testKeys(name)
  const role = (kind: RootRole): RoleKeys => ({
    keys: (roles[kind] ?? [keys[kind]]).map(signer => signer.publicKey),
    threshold: kind === 'root' ? threshold : 1,
  })
  const root = makeRoot({
    version,
    expires: timeText(daysAfter(now, lifetimes.root)),
    roles: { root: role('root'), targets: role('targets'), snapshot: role('snapshot'), timestamp: role('timestamp') },
    thymesh: { name, nixPublicKeys: [`${name}-1:AAAA`] },
  })
  return signMetadata('root', root, init.signers ?? roles.root ?? [keys.root]).bytes
}

/** A role's document as plain JSON, for changes that the models would not make. */
export function signedJson(loaded: Loaded<'root' | 'timestamp' | 'snapshot' | 'targets'>): Json {
  return JSON.parse(Buffer.from(loaded.bytes).toString()).signed
}

/** Signs any JSON as if it were a role's document. */
export function signJson(signed: Json, ...signers: Signer[]): Uint8Array {
  const message = Buffer.from(canonicalize(signed))
  const signatures = signers.map(signer => ({ keyid: signer.keyId, sig: toHex(signer.sign(message)) }))
  return Buffer.from(canonicalize({ signatures, signed }))
}
