/** The stream of events for one listener: it continues after the last one that the listener had. */

import type { Context } from 'hono'
import { ApiError } from './api-error.ts'
import type { EventLog, LoggedEvent } from './event-log.ts'
import { maxEventStreams } from './limits.ts'
import { streamOf } from './stream.ts'

export function eventStream(context: Context, events: EventLog): Response {
  const [unknown] = Object.keys(context.req.queries()).filter(name => name !== 'after')
  if (unknown !== undefined) {
    throw new ApiError('not-understood', `expected the option after, got ${unknown}`, {
      hint: 'after=ID continues behind an event, as the header Last-Event-ID does.',
    })
  }
  if (events.listeners >= maxEventStreams) {
    throw new ApiError('too-many', `expected at most ${maxEventStreams} listeners to events, got one more`, {
      hint: 'Close a page or a command that watches, or share one stream.',
    })
  }
  const after = context.req.header('last-event-id') ?? context.req.query('after')
  return streamOf(context, send => {
    for (const each of beginning(events, after)) send(each)
    return events.listen(event => send(frame(event)))
  })
}

/** What a listener missed; `reset` where that is not known. */
function beginning(events: EventLog, after: string | undefined): (string | Uint8Array)[] {
  if (after === undefined) return [`id: ${events.last}\n:\n\n`]
  const missed = events.after(after)
  return missed?.map(frame) ?? [frame({ id: events.last, kind: 'reset', data: '{}' })]
}

/** Written once for all listeners. */
const frames = new WeakMap<LoggedEvent, Uint8Array>()

function frame(event: LoggedEvent): Uint8Array {
  const { id, kind, data } = event
  const made = frames.get(event) ?? Buffer.from(`id: ${id}\nevent: ${kind}\ndata: ${data}\n\n`)
  frames.set(event, made)
  return made
}
