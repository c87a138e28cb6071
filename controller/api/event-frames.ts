/** Reads server-sent events out of a stream, frame by frame. */

import type { Readable } from 'node:stream'
import { maxAnswerBytes } from './limits.ts'

export interface EventFrame {
  readonly event: string
  readonly id: string | undefined
  readonly data: string
}

/** Frames with data; those that only keep the connection alive are left out. Ends, or throws, as the stream does. */
export async function* eventFrames(stream: Readable): AsyncGenerator<EventFrame> {
  let rest = ''
  for await (const part of stream.setEncoding('utf8')) {
    // A long frame comes in many parts: what was looked at already has no end of one but half of it.
    let looked = Math.max(0, rest.length - 1)
    rest += part
    if (rest.length > maxAnswerBytes) throw new RangeError('an event is too long')
    for (let end = rest.indexOf('\n\n', looked); end >= 0; end = rest.indexOf('\n\n', looked)) {
      const frame = rest.slice(0, end)
      rest = rest.slice(end + 2)
      looked = 0
      // JSON may have U+2028, which a pattern would take for the end of a line.
      const lines = frame.split('\n')
      const field = (name: string) => lines.find(line => line.startsWith(`${name}: `))?.slice(name.length + 2)
      const data = field('data')
      if (data !== undefined) yield { event: field('event') ?? 'message', id: field('id'), data }
    }
  }
}
