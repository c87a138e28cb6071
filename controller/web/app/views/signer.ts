/** Who signed something, in words: by the name that the root gives a key, else by the key. */

import type { LogEvent } from '../../../api/schemas/trust.ts'
import { idText } from '../base/format.ts'
import { membersWords } from './members-words.ts'

export function signerText({ operator, key, claims }: LogEvent['signers'][number]): string {
  return operator ?? (claims === undefined ? idText(key) : membersWords().claims(claims, idText(key)))
}
