/** age (https://age-encryption.org/v1), as the project's secrets use it: X25519 recipients, binary files. */

import { Decrypter, Encrypter } from 'age-encryption'
import { messageOf } from '../../protocol/errors.ts'
import { SecretsError } from './errors.ts'
import { readersStanza } from './readers-stanza.ts'

/** Recipients are sorted, so that their order makes no difference. */
export async function encryptTo(recipients: readonly string[], plaintext: Uint8Array): Promise<Uint8Array> {
  const encrypter = new Encrypter()
  for (const recipient of [...new Set(recipients)].sort()) encrypter.addRecipient(recipient)
  return await encrypter.encrypt(plaintext)
}

/** The same for a secret of the project, which lists its readers: see {@link readersStanza}. */
export async function sealFor(recipients: readonly string[], plaintext: Uint8Array): Promise<Uint8Array> {
  const encrypter = new Encrypter()
  for (const recipient of [...new Set(recipients)].sort()) encrypter.addRecipient(recipient)
  encrypter.addRecipient(readersStanza(recipients))
  return await encrypter.encrypt(plaintext)
}

/** Throws a SecretsError that names the secret, when none of the identities opens it. */
export async function decryptWith(
  identities: readonly string[],
  ciphertext: Uint8Array,
  name: string,
): Promise<Uint8Array> {
  const decrypter = new Decrypter()
  for (const identity of identities) decrypter.addIdentity(identity)
  try {
    return await decrypter.decrypt(ciphertext)
  } catch (thrown) {
    throw new SecretsError(
      'not-an-operator',
      `the secret ${name} can't be decrypted with your key: ${messageOf(thrown)}`,
      {
        hint: 'Ask an operator who can read it to run: thymesh secret allow NAME RECIPIENT (thymesh secret identity prints yours).',
      },
    )
  }
}
