/** Sends an order once more when the controller says that it lacks open keys or the passphrase: each is asked for once. */

import { failureOf } from './client.ts'

/** What a person answers: the passphrase, nothing where the keys have no seal, or false where they leave. */
export type Answer = string | undefined | false

export interface Asker {
  /** Opens the keys for the next ten minutes. */
  unlock(): Promise<Answer>
  /** Asks for the passphrase although the keys may be open. */
  anew(): Promise<Answer>
}

/**
 * `given` is a passphrase that was typed for this order already. Gives undefined where the person has left the dialog. Throws
 * what the controller refuses for another reason, and what it refuses again.
 */
export async function insist<T>(
  send: (passphrase: string | undefined) => Promise<T>,
  ask: Asker,
  given?: string,
): Promise<T | undefined> {
  let passphrase = given
  /** What was not asked for yet; a passphrase that was typed and does not do is not asked for twice. */
  const left = new Set(given === undefined ? ['locked', 'no-passphrase'] : ['locked'])
  for (;;) {
    try {
      return await send(passphrase)
    } catch (thrown) {
      const { code } = failureOf(thrown)
      if (!left.delete(code)) throw thrown
      // The ten minutes were over just now; or a task that is tried again weighs so much, which only the controller knows.
      const answer = await (code === 'locked' ? ask.unlock() : ask.anew())
      if (answer === false) return undefined
      if (code !== 'locked') passphrase = answer
    }
  }
}
