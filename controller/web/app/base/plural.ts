/** The form of a word that a number asks for. English and German have two: one for 1, one for all others. */

import { numberText } from './format.ts'

/** `#` stands for the number, as the page's language writes it. */
export function plural(count: number, one: string, others: string): string {
  return (count === 1 ? one : others).replaceAll('#', () => numberText(count))
}
