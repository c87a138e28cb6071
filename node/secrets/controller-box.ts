/** What a device encrypts to the fleet's controllers, and how they open it: age (https://age-encryption.org/v1). */

import type { Certificate } from '../../protocol/members/certificate.ts'

/** The age recipients of the controllers among these members. */
export function controllersOf(certificates: readonly Pick<Certificate, 'role' | 'age'>[]): string[] {
  const readers = certificates.flatMap(({ role, age }) => (role === 'controller' && age !== undefined ? [age] : []))
  return [...new Set(readers)]
}

export async function sealFor(readers: readonly string[], bytes: Uint8Array): Promise<Uint8Array> {
  const { Encrypter } = await import('age-encryption')
  const encrypter = new Encrypter()
  for (const reader of readers) encrypter.addRecipient(reader)
  return await encrypter.encrypt(bytes)
}

/** Throws age's error if none of the identities opens it, or it was changed. */
export async function openSealed(identities: readonly string[], sealed: Uint8Array): Promise<Uint8Array> {
  const { Decrypter } = await import('age-encryption')
  const decrypter = new Decrypter()
  for (const identity of identities) decrypter.addIdentity(identity)
  return await decrypter.decrypt(sealed)
}
