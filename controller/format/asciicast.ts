/** Reads asciicasts of version 2 (https://docs.asciinema.org/manual/asciicast/v2/), as devices record them. */

import { z } from 'zod'
import { HintedError } from '../../protocol/errors.ts'

export class CastError extends HintedError<'malformed'> {}

const size = z.int().min(1).max(1000)
const headerSchema = z.object({
  version: z.literal(2),
  width: size,
  height: size,
  timestamp: z.int().optional(),
  title: z.string().max(300).optional(),
  env: z.object({ TERM: z.string().max(64).optional() }).optional(),
})
const eventSchema = z.tuple([z.number().min(0).max(1e7), z.literal('o'), z.string()])

export interface Cast {
  readonly width: number
  readonly height: number
  /** What the terminal showed, and when, in seconds since the beginning. */
  readonly events: readonly (readonly [seconds: number, text: string])[]
}

/** The lines of a cast, checked; a cast of nothing is one without events. Throws a CastError. */
export function castOf(lines: string): string {
  const { header, events } = parsed(lines)
  return [header, ...events].map(line => `${JSON.stringify(line)}\n`).join('')
}

/** Throws a CastError. */
export function readCast(lines: string): Cast {
  const { header, events } = parsed(lines)
  return { width: header.width, height: header.height, events: events.map(([seconds, , text]) => [seconds, text]) }
}

function parsed(text: string) {
  const [first, ...rest] = text.split('\n').filter(line => line !== '')
  const header = first === undefined ? { version: 2 as const, width: 80, height: 24 } : checked(headerSchema, first)
  return { header, events: rest.map(line => checked(eventSchema, line)) }
}

function checked<T>(schema: z.ZodType<T>, line: string): T {
  try {
    return schema.parse(JSON.parse(line))
  } catch (cause) {
    throw new CastError('malformed', `expected a line of an asciicast, got ${line.slice(0, 60)}`, {
      hint: 'The device may run a newer version: use that one here, too.',
      cause,
    })
  }
}
