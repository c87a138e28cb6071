/** Output of a task as a server-sent event: `{ from, text }`, where `from` is the byte that it begins at. */

import { isAscii } from 'node:buffer'
import { sliceCharacters } from '../tasks/limits.ts'
import type { OutputPart } from '../tasks/task-output.ts'

/** Written once for all who follow the task. */
const partFrames = new WeakMap<OutputPart, Uint8Array>()

export function partFrame(part: OutputPart): Uint8Array {
  const known = partFrames.get(part)
  if (known !== undefined) return known
  const made = outputFrame(part.from, part.bytes)
  partFrames.set(part, made)
  return made
}

/**
 * The frame of harmless lines in UTF-8: line breaks are their only control characters.
 *
 * JSON.stringify takes five times as long: it looks for control characters and surrogates that are not there.
 */
export function outputFrame(from: number, bytes: Buffer): Uint8Array {
  const [head, tail] = [`event: output\ndata: {"from":${from},"text":`, '}\n\n']
  if (!isAscii(bytes)) return Buffer.from(`${head}${JSON.stringify(bytes.toString())}${tail}`)
  const slices: string[] = [head, '"']
  for (let at = 0; at < bytes.length; at += sliceCharacters) {
    const slice = bytes.toString('latin1', at, at + sliceCharacters)
    slices.push(slice.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n'))
  }
  slices.push('"', tail)
  const made = Buffer.allocUnsafeSlow(slices.reduce((sum, { length }) => sum + length, 0))
  let filled = 0
  for (const slice of slices) filled += made.write(slice, filled, 'latin1')
  return made
}
