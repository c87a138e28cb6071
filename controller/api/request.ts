/** What a request says, parsed: options in path and query as the types of their schema, bodies as JSON within bounds. */

import type { Context } from 'hono'
import { z } from 'zod'
import { type ErrorJson, errorJson, type Refusal } from '../format/error-json.ts'
import { ApiError, type ApiErrorCode } from './api-error.ts'
import { maxBodyBytes } from './limits.ts'

const typesOf = new WeakMap<z.ZodType, Record<string, { type?: string }>>()

/** Options by name; the schema that they are for decides about the rest. */
export function optionsOf(context: Context, schema: z.ZodObject): Record<string, unknown> {
  const known = typesOf.get(schema)
  const types = known ?? (z.toJSONSchema(schema, { io: 'input' }).properties as Record<string, { type?: string }>) ?? {}
  if (known === undefined) typesOf.set(schema, types)
  const typeOf = (name: string) => (Object.hasOwn(types, name) ? types[name]?.type : undefined)
  const options: Record<string, unknown> = {}
  for (const [name, text] of Object.entries(context.req.param())) options[name] = typedValue(text, typeOf(name))
  for (const [name, [text = '', ...more]] of Object.entries(context.req.queries())) {
    if (typeOf(name) === 'array' && !Object.hasOwn(options, name)) {
      options[name] = [text, ...more]
      continue
    }
    if (more.length > 0 || Object.hasOwn(options, name)) {
      throw badRequest(`${name}: expected one value, got ${more.length + 1}`)
    }
    options[name] = typedValue(text, typeOf(name))
  }
  return options
}

function typedValue(text: string, type: string | undefined): unknown {
  if (type === 'integer' || type === 'number') return /^\d{1,15}(?:\.\d{1,6})?$/.test(text) ? Number(text) : text
  if (type === 'boolean') return text === 'true' || text === 'false' ? text === 'true' : text
  return text
}

/**
 * The body, which must be declared as JSON: a form of a foreign page can send JSON as text/plain without asking, and
 * nothing else.
 */
export async function bodyOf(context: Context, most = maxBodyBytes): Promise<unknown> {
  const type = context.req.header('content-type')?.split(';')[0]?.trim().toLowerCase()
  if (type !== 'application/json') {
    throw new ApiError('wrong-type', `expected Content-Type: application/json, got ${type ?? 'none'}`, {
      hint: "Send the header: curl -H 'Content-Type: application/json' …",
    })
  }
  const text = await bytesOf(context, most)
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(text))
  } catch {
    throw badRequest('the body: expected JSON in UTF-8, got something else')
  }
}

/** Reads no more than the limit, whatever the header says. */
async function bytesOf(context: Context, most: number): Promise<Uint8Array> {
  if (Number(context.req.header('content-length') ?? 0) > most) throw tooLarge(most)
  const parts: Uint8Array[] = []
  let size = 0
  for await (const part of context.req.raw.body ?? []) {
    size += part.length
    if (size > most) throw tooLarge(most)
    parts.push(part)
  }
  return Buffer.concat(parts)
}

function tooLarge(most: number): ApiError {
  return new ApiError('body-too-large', `expected a body of at most ${most} bytes, got a larger one`, {
    hint: 'Send less.',
  })
}

/** An error of a request, in JSON: options and bodies that their schema refuses are those of a route. */
export function requestError(thrown: unknown): ErrorJson {
  return errorJson(thrown, ofRequest)
}

const ofRequest: Refusal = {
  code: 'not-understood' satisfies ApiErrorCode,
  hint: '`thymesh api schema` prints all routes with their options.',
}

function badRequest(message: string): ApiError {
  return new ApiError('not-understood', message, { hint: ofRequest.hint })
}
