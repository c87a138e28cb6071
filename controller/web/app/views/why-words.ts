/** The verdict about a device in each language: the controller says it in English, German is made of its code and facts. */

import type { Why } from '../../../api/schemas/why.ts'
import { bytesText, durationText, momentText } from '../base/format.ts'
import { germanVerdict } from '../base/german-verdict.ts'
import { words } from '../base/language.svelte.ts'

const written = { bytes: bytesText, duration: durationText, moment: momentText }

interface Said {
  readonly text: string
  readonly next: string | undefined
  /** Whether the controller said it in other words, which stay at hand. */
  readonly translated: boolean
}

export const whyWords = words(
  {
    exactly: 'In the words of the controller',
    said: ({ text, next }: Why): Said => ({ text, next: next ?? undefined, translated: false }),
  },
  {
    exactly: 'Im Wortlaut, auf Englisch',
    said: why => ({ ...germanVerdict(why, written), translated: true }),
  },
)
