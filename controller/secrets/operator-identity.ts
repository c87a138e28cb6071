/** The operator's own age identity, beside the signing keys: with it the project's secrets are read. */

import { join } from 'node:path'
import { generateX25519Identity, identityToRecipient } from 'age-encryption'
import { isMissing } from '../../node/files/missing.ts'
import type { FleetHome } from '../fleet/fleet-home.ts'
import { newSeal, readKeyFile, writeKeyFile } from '../keys/key-file.ts'
import { passphrases } from '../keys/passphrase.ts'

const kind = 'age'

export interface OperatorIdentity {
  readonly identity: string
  readonly recipient: string
}

/** Reads it; makes one, sealed as the other keys are, where there is none. */
export async function operatorIdentity(home: FleetHome): Promise<OperatorIdentity> {
  const file = join(home.operatorKeys.directory, 'age.key')
  let identity: string
  try {
    identity = await readKeyFile(file, kind, passphrases.current)
  } catch (thrown) {
    if (!isMissing(thrown)) throw thrown
    identity = await generateX25519Identity()
    const seal = (await home.operatorKeys.sealed()) ? newSeal(await passphrases.current()) : undefined
    await writeKeyFile(file, kind, identity, seal)
  }
  return { identity, recipient: await identityToRecipient(identity) }
}
