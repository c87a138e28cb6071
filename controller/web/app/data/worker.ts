/** The shared worker: one stream of events for all tabs of this browser, which has six connections to a host only. */

import { EventLink } from './link.ts'
import type { FromWorker, ToWorker } from './messages.ts'

const ports = new Set<MessagePort>()
const tell = (message: FromWorker) => {
  for (const port of ports) port.postMessage(message)
}

const link = new EventLink({
  link: link => tell({ type: 'link', link }),
  events: events => tell({ type: 'events', events }),
})

addEventListener('connect', event => {
  const [port] = (event as MessageEvent).ports
  if (port === undefined) return
  ports.add(port)
  // A tab that is gone; where a browser does not say so, its port stays.
  port.addEventListener('close', () => ports.delete(port))
  port.addEventListener('message', ({ data }: MessageEvent<ToWorker>) => {
    if (data.type === 'token') link.use(data.token, data.after)
    else {
      const { token, told } = link
      port.postMessage({ type: 'hello', token, link: link.link, told } satisfies FromWorker)
    }
  })
  port.start()
})
