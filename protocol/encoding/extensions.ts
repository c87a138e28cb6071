/** Extensions: named values that a later version adds to a signed document, and that this version keeps as they are. */

import { encode } from '@ipld/dag-cbor'
import { z } from 'zod'
import { limits } from '../limits.ts'
import { nameSchema } from './fields.ts'

/** The value of an extension, without fractions and control characters: CBOR and canonical JSON have one form of it. */
export type ExtensionValue =
  | string
  | number
  | boolean
  | null
  | Uint8Array
  | readonly ExtensionValue[]
  | { readonly [key: string]: ExtensionValue }

/** Extensions by name. */
export type Extensions = Readonly<Record<string, ExtensionValue>>

/** Sizes in bytes of the values as CBOR: of one, and of all together. */
export interface ExtensionBounds {
  readonly one: number
  readonly all: number
}

/** Extensions of a document: at least one, since a document without any has the version before. */
export function extensionsSchema({ one, all }: ExtensionBounds): z.ZodType<Extensions> {
  return z.record(nameSchema, z.unknown()).check(({ value, issues }) => {
    const refuse = (name: string, message: string) =>
      issues.push({ code: 'custom', input: name, path: [name], message })
    const names = Object.keys(value)
    if (names.length === 0 || names.length > limits.extensions) {
      issues.push({
        code: 'custom',
        input: names.length,
        path: [],
        message: `expected 1 to ${limits.extensions} extensions, got ${names.length}`,
      })
      return
    }
    let sum = 0
    for (const name of names) {
      if (!isPlain(value[name], limits.extensionDepth)) {
        refuse(
          name,
          `expected text, whole numbers, bytes, lists and maps, at most ${limits.extensionDepth} in each other`,
        )
        return
      }
      const size = encode(value[name]).length
      sum += size
      if (size > one) refuse(name, `expected at most ${one} bytes, got ${size}`)
    }
    if (sum > all) refuse('', `expected at most ${all} bytes in all extensions together, got ${sum}`)
  }) as unknown as z.ZodType<Extensions>
}

function isPlain(value: unknown, depth: number): boolean {
  if (value === null || typeof value === 'boolean' || value instanceof Uint8Array) return true
  if (typeof value === 'string') return !hasControlCharacters(value)
  if (typeof value === 'number') return Number.isSafeInteger(value) && !Object.is(value, -0)
  if (typeof value !== 'object' || depth === 0) return false
  if (Array.isArray(value)) return value.every(item => isPlain(item, depth - 1))
  if (Object.getPrototypeOf(value) !== Object.prototype) return false
  return Object.entries(value).every(([key, item]) => !hasControlCharacters(key) && isPlain(item, depth - 1))
}

/** Canonical JSON, as TUF signs it, writes control characters as they are, and JSON can't read them there. */
function hasControlCharacters(text: string): boolean {
  return [...text].some(character => character < ' ') || !text.isWellFormed()
}
