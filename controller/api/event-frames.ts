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
    rest += part
    if (rest.length > maxAnswerBytes) throw new RangeError('an event is too long')
    const frames = rest.split('\n\n')
    rest = frames.pop() ?? ''
    for (const frame of frames) {
      const field = (name: string) => new RegExp(`^${name}: (.*)$`, 'm').exec(frame)?.[1]
      const data = field('data')
      if (data !== undefined) yield { event: field('event') ?? 'message', id: field('id'), data }
    }
  }
}
