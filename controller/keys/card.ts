/** An operator's card: the public keys that an operator gives to the others, who put them into the fleet's root. */

import { readFile } from 'node:fs/promises'
import { z } from 'zod'
import { bytesSchema, fleetIdSchema, formatVersion, nameSchema } from '../../protocol/encoding/fields.ts'
import { HintedError } from '../../protocol/errors.ts'
import { formatNixPublicKey, type NixSecretKey } from '../../protocol/nix/signature.ts'
import { type Envelope, readEnvelope, signEnvelope, signedKind } from '../../protocol/signing/dsse.ts'
import { type PublicKey, publicKeyLength } from '../../protocol/signing/keys.ts'
import { type RoleName, roleNames } from '../../protocol/trust/fleet.ts'
import type { FleetKeys } from '../../protocol/trust/publish.ts'

const cardPrefix = 'thymesh-operator-'

export class CardError extends HintedError<'malformed'> {}

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

/** Signed by each of its keys: nobody can pass off another operator's keys as their own. */
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
  const bytes = signEnvelope(cardKind, card, ...roleNames.map(role => init.keys[role]))
  return `${cardPrefix}${Buffer.from(bytes).toString('base64url')}`
}

/** The card on the command line, or in a file of that name, as a line. Throws a CardError where it is none. */
export async function cardLine(argument: string): Promise<string> {
  const line = argument.startsWith(cardPrefix) ? argument : (await fileText(argument)).trim()
  parseCard(line)
  return line
}

async function fileText(argument: string): Promise<string> {
  return await readFile(argument, 'utf8').catch((cause: unknown) => {
    throw new CardError(
      'malformed',
      `expected an operator's card (${cardPrefix}…) or a file with one, got ${argument}`,
      { hint: askForCard, cause },
    )
  })
}

/** Throws a CardError when one of the cards is for another fleet than the one with this ID. */
export function requireFleet(cards: readonly OperatorCard[], fleet: string): void {
  const other = cards.find(card => card.fleet !== fleet)
  if (other === undefined) return
  const [wanted, got] = [fleet, other.fleet].map(id => id.slice(0, 12))
  throw new CardError(
    'malformed',
    `expected a card for the fleet ${wanted}, got ${other.name}'s for the fleet ${got}`,
    {
      hint: `Ask ${other.name} to run \`thymesh key show\` in a project of this fleet.`,
    },
  )
}

const askForCard = 'Ask the other operator for the line that `thymesh key show` prints.'

/** Reads a card. Throws a CardError when it is none, or isn't signed by its own keys. */
export function parseCard(text: string): OperatorCard {
  const trimmed = text.trim()
  if (!trimmed.startsWith(cardPrefix)) {
    const got = JSON.stringify(trimmed.slice(0, 40))
    throw new CardError('malformed', `expected an operator's card (${cardPrefix}…), got ${got}`, { hint: askForCard })
  }
  const { document, signedBy } = opened(trimmed)
  const missing = roleNames.find(role => !signedBy(document[role]))
  if (missing === undefined) return document
  throw new CardError(
    'malformed',
    `expected a card that its own keys have signed, got one without the ${missing} key`,
    {
      hint: askForCard,
    },
  )
}

function opened(text: string): Envelope<OperatorCard> {
  try {
    return readEnvelope(cardKind, new Uint8Array(Buffer.from(text.slice(cardPrefix.length), 'base64url')))
  } catch (cause) {
    throw new CardError('malformed', "expected an operator's card, got one that is cut off or mistyped", {
      hint: 'Copy the whole line that `thymesh key show` prints.',
      cause,
    })
  }
}
