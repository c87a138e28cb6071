/** Changing one value in a JSON text without touching the rest, as a careful person would by hand. */

import { applyEdits, type EditResult, type JSONPath, type ModificationOptions, modify } from 'jsonc-parser'
import { EditError } from './edit-error.ts'
import type { JsonPath } from './located-json.ts'

const formatting = { tabSize: 2, insertSpaces: true, eol: '\n' }

/**
 * Sets a value in a text, or takes it out where it is undefined. A new key stands where `order` has it: before the first
 * key that comes later there; at the end when it isn't in the order.
 */
export function setValue(text: string, path: JsonPath, value: unknown, order: readonly string[] = []): string {
  const key = path.at(-1)
  const rank = (name: string) => (order.includes(name) ? order.indexOf(name) : Number.POSITIVE_INFINITY)
  const edits = modified(text, path, value, {
    formattingOptions: formatting,
    getInsertionIndex: properties => {
      const place = properties.findIndex(name => rank(name) > rank(String(key)))
      return place < 0 ? properties.length : place
    },
  })
  const edited = applyEdits(text, edits)
  return edited.endsWith('\n') ? edited : `${edited}\n`
}

function modified(text: string, path: JsonPath, value: unknown, options: ModificationOptions): EditResult {
  try {
    return modify(text, [...path] as JSONPath, value, options)
  } catch (cause) {
    throw new EditError('no-such-entry', `expected a place in the file, got ${path.join('.')}, which leads nowhere`, {
      hint: 'A key goes into an object, a number into a list.',
      cause,
    })
  }
}

/** A new file. */
export function newText(value: object): string {
  return `${JSON.stringify(value, null, 2)}\n`
}
