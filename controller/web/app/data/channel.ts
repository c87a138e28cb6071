/** This tab's end of the stream: the shared worker, or where a browser has none, a stream of its own. */

import { EventLink, type Link, type LinkEvent } from './link.ts'
import type { FromWorker, ToWorker } from './messages.ts'
import workerFile from './worker.ts?sharedworker&url'

export interface Channel {
  /** Signs this browser in, or without a token out. A stream that isn't there yet begins after this event. */
  use(token: string | undefined, after?: string): void
  /** The token that another tab has, and the ID of the last event that it was told. */
  others(): Promise<Others>
}

interface Others {
  readonly token?: string | undefined
  readonly told?: string | undefined
}

interface Listener {
  link(link: Link): void
  events(events: readonly LinkEvent[]): void
}

export function openChannel(listener: Listener): Channel {
  if (typeof SharedWorker === 'undefined') {
    const link = new EventLink(listener)
    return { use: (token, after) => link.use(token, after), others: async () => ({}) }
  }
  const { port } = new SharedWorker(trusted(workerFile), { type: 'module', name: 'thymesh' })
  const hello = Promise.withResolvers<Others>()
  port.addEventListener('message', ({ data }: MessageEvent<FromWorker>) => {
    if (data.type === 'events') return listener.events(data.events)
    if (data.type === 'hello') hello.resolve(data)
    // As it was before this tab has said who it is: its own requests tell better.
    if (data.type === 'hello' && data.link.state === 'signed-out') return
    listener.link(data.link)
  })
  port.start()
  const send = (message: ToWorker) => port.postMessage(message)
  send({ type: 'hello' })
  return {
    use: (token, after) => send({ type: 'token', token, after }),
    others: () => hello.promise,
  }
}

/** The policy of the page lets through the one file that is named here. */
function trusted(file: string): string {
  const { trustedTypes } = window as unknown as {
    trustedTypes?: { createPolicy(name: string, rules: object): { createScriptURL(url: string): string } }
  }
  const rules = { createScriptURL: (url: string) => url }
  return trustedTypes?.createPolicy('thymesh-files', rules).createScriptURL(file) ?? file
}
