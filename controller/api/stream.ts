/** A response that goes on: server-sent events for one listener, who is cut off when it reads too slowly. */

import type { ServerResponse } from 'node:http'
import type { Context } from 'hono'
import { heartbeatMs, maxQueuedBytes } from './limits.ts'

/** Begins the stream, with what sends a frame, as text or in UTF-8, and what ends it; gives what is undone at its end. */
type Begin = (send: (frame: string | Uint8Array) => void, end: () => void) => () => void

/** https://html.spec.whatwg.org/multipage/server-sent-events.html */
export function streamOf(context: Context, begin: Begin): Response {
  const { outgoing } = context.env as { outgoing: ServerResponse }
  const encoder = new TextEncoder()
  let stop = () => {}
  let ended = false
  const body = new ReadableStream<Uint8Array>(
    {
      start: controller => {
        let undo = () => {}
        const timer = setInterval(() => send(':\n\n'), heartbeatMs)
        stop = () => {
          ended = true
          clearInterval(timer)
          undo()
        }
        const send = (frame: string | Uint8Array) => {
          if (ended) return
          const bytes = typeof frame === 'string' ? encoder.encode(frame) : frame
          if ((controller.desiredSize ?? 0) >= bytes.length) controller.enqueue(bytes)
          else {
            stop()
            outgoing.destroy()
          }
        }
        const end = () => {
          if (ended) return
          stop()
          controller.close()
        }
        undo = begin(send, end)
        if (ended) undo()
      },
      cancel: () => stop(),
    },
    new ByteLengthQueuingStrategy({ highWaterMark: maxQueuedBytes }),
  )
  return new Response(body, { headers: { 'Content-Type': 'text/event-stream', 'X-Accel-Buffering': 'no' } })
}
