/** This tab's end of the stream: the shared worker, or where a browser has none, a stream of its own. */

import { EventLink, type Link, type LinkEvent } from './link.ts'
import type { FromWorker, ToWorker } from './messages.ts'
import workerFile from './worker.ts?sharedworker&url'

export interface Channel {
  /** Signs this browser in, or without a token out. */
  use(token: string | undefined): void
  /** The token that another tab has. */
  others(): Promise<string | undefined>
}

interface Listener {
  link(link: Link): void
  events(events: readonly LinkEvent[]): void
}

export function openChannel(listener: Listener): Channel {
  if (typeof SharedWorker === 'undefined') {
    const link = new EventLink(listener)
    return { use: token => link.use(token), others: async () => undefined }
  }
  const { port } = new SharedWorker(trusted(workerFile), { type: 'module', name: 'thymesh' })
  const hello = Promise.withResolvers<string | undefined>()
  port.addEventListener('message', ({ data }: MessageEvent<FromWorker>) => {
    if (data.type === 'events') listener.events(data.events)
    else {
      if (data.type === 'hello') hello.resolve(data.token)
      listener.link(data.link)
    }
  })
  port.start()
  const send = (message: ToWorker) => port.postMessage(message)
  send({ type: 'hello' })
  return {
    use: token => send({ type: 'token', token }),
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
