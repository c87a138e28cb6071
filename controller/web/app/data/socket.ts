/** A link of the page that goes both ways: a WebSocket whose first message says who asks, and for what. */

import { client, type Failure } from './client.ts'

export interface SocketHandler {
  /** What the controller says, parsed. */
  said(message: Record<string, unknown>): void
  bytes?(bytes: Uint8Array<ArrayBuffer>): void
  /** With the refusal, if it was one; it is called once. */
  closed(failure: Failure | undefined): void
}

export interface PageSocket {
  readonly socket: WebSocket
  say(message: object): void
}

/** The path is that of the kind of link, such as `/page/terminal`. */
export function openSocket(path: string, ask: object, handler: SocketHandler): PageSocket {
  const socket = new WebSocket(`ws://${location.host}${path}`)
  socket.binaryType = 'arraybuffer'
  let failure: Failure | undefined
  const say = (message: object) => {
    if (socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify(message))
  }
  socket.addEventListener('open', () => say({ token: client.token ?? '', ask }))
  socket.addEventListener('message', ({ data }: MessageEvent<string | ArrayBuffer>) => {
    if (typeof data !== 'string') return handler.bytes?.(new Uint8Array(data))
    const message = JSON.parse(data) as Record<string, unknown>
    if (message.error !== undefined) failure = message.error as Failure
    else handler.said(message)
  })
  socket.addEventListener('close', () => handler.closed(failure))
  return { socket, say }
}
