/** A verdict as text: the paragraph, and the next step on a line of its own. */

import type { Why } from '../api/schemas/why.ts'

export function whyText({ text, next }: Pick<Why, 'text' | 'next'>): string {
  return next === null ? text : `${text}\nNext: ${next}`
}
