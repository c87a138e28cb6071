/** An operator's card: the public keys that an operator hands to the others, who put them into the fleet's root. */

import { z } from 'zod'
import { FormatError } from '../../protocol/encoding/cbor.ts'
import { bytesSchema, fleetIdSchema, formatVersion, nameSchema } from '../../protocol/encoding/fields.ts'
import { formatNixPublicKey, type NixSecretKey } from '../../protocol/nix/signature.ts'
import { type Opened, open, seal, signedKind } from '../../protocol/signing/dsse.ts'
import { type PublicKey, publicKeyLength } from '../../protocol/signing/keys.ts'
import { type RoleName, roleNames } from '../../protocol/trust/fleet.ts'
import type { FleetKeys } from '../../protocol/trust/publish.ts'

export const cardPrefix = 'thymesh-operator-'

const keySchema = bytesSchema(publicKeyLength)
const cardSchema = z.strictObject({
  v: formatVersion,
  fleet: fleetIdSchema,
  /** The operator's name. */
  name: nameSchema,
  root: keySchema,
  targets: keySchema,
  snapshot: keySchema,
  timestamp: keySchema,
  members: keySchema,
  /** A Nix public key, as Nix writes it. */
  nix: z.string().max(200),
})
export type OperatorCard = z.infer<typeof cardSchema>

/** Signed by each of its keys: nobody can hand on keys that they don't have as their own. */
const cardKind = signedKind<OperatorCard>('operator card', cardSchema)

export function makeCard(init: { fleet: string; name: string; keys: FleetKeys; nix: NixSecretKey }): string {
  const publicKeys = Object.fromEntries(roleNames.map(role => [role, init.keys[role].publicKey])) as Record<
    RoleName,
    PublicKey
  >
  const card: OperatorCard = {
    v: 1,
    fleet: init.fleet,
    name: init.name,
    ...publicKeys,
    nix: formatNixPublicKey(init.nix),
  }
  const bytes = seal(cardKind, card, ...roleNames.map(role => init.keys[role]))
  return `${cardPrefix}${Buffer.from(bytes).toString('base64url')}`
}

/** Reads a card; throws a FormatError when it is none, or isn't signed by its own keys. */
export function parseCard(text: string): OperatorCard {
  const trimmed = text.trim()
  if (!trimmed.startsWith(cardPrefix)) {
    throw new FormatError(
      'malformed',
      `expected an operator's card (${cardPrefix}…), got ${JSON.stringify(trimmed.slice(0, 40))}`,
      {
        hint: 'The other operator makes it: thymesh key show',
      },
    )
  }
  const { document, signedBy } = opened(trimmed)
  const missing = roleNames.find(role => !signedBy(document[role]))
  if (missing === undefined) return document
  throw new FormatError('malformed', `the card of ${document.name} isn't signed by its own ${missing} key`)
}

function opened(text: string): Opened<OperatorCard> {
  try {
    return open(cardKind, new Uint8Array(Buffer.from(text.slice(cardPrefix.length), 'base64url')))
  } catch (cause) {
    throw new FormatError('malformed', "expected an operator's card, got one that is cut off or mistyped", {
      hint: 'Copy the whole line that `thymesh key show` printed.',
      cause,
    })
  }
}
