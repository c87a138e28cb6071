/** The server's side of a WebSocket (RFC 6455), for links of the page that go both ways: within bounds, and with back-pressure. */

import { createHash } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { maxMessageParts, maxSocketMessageBytes, socketBeatMs, socketSilentMs } from './limits.ts'

const guid = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'
const opcodes = { more: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const
/** Codes of an end. */
export const closeCodes = { done: 1000, protocol: 1002, unreadable: 1007, tooLarge: 1009, failed: 1011 } as const

export interface SocketListener {
  text(text: string): void
  /** Bytes; what it gives back is whether more may come before `resume`. */
  bytes(bytes: Buffer): boolean
  /** Called when more can be sent after `send` was false. */
  drain(): void
  closed(): void
}

/** The answer that turns the request into a WebSocket; undefined where it asks for none. */
function accepted({ headers }: IncomingMessage): string | undefined {
  const key = headers['sec-websocket-key'] ?? ''
  const asks = headers.upgrade?.toLowerCase() === 'websocket' && headers['sec-websocket-version'] === '13'
  if (!asks || !/^[A-Za-z0-9+/]{22}==$/.test(key)) return undefined
  const accept = createHash('sha1').update(`${key}${guid}`).digest('base64')
  const lines = ['HTTP/1.1 101 Switching Protocols', 'Upgrade: websocket', 'Connection: Upgrade']
  return [...lines, `Sec-WebSocket-Accept: ${accept}`, '', ''].join('\r\n')
}

export class WebSocketLink {
  readonly #socket: Duplex
  readonly #beat: NodeJS.Timeout
  #listener: SocketListener | undefined
  #rest: Buffer = Buffer.alloc(0)
  #parts: Buffer[] = []
  #partBytes = 0
  #kind: 'text' | 'bytes' | undefined
  #heard = performance.now()
  #closed = false
  #held = false

  private constructor(socket: Duplex) {
    this.#socket = socket
    this.#beat = setInterval(() => this.#beatOnce(), socketBeatMs).unref()
    socket.on('drain', () => this.#listener?.drain())
    socket.on('error', () => {})
    socket.once('close', () => this.#gone())
    socket.once('end', () => socket.destroy())
  }

  /** Accepts the request on its socket; undefined where it is none for a WebSocket. Nothing is read before `listen`. */
  static accept(request: IncomingMessage, socket: Duplex, head: Buffer): WebSocketLink | undefined {
    const answer = accepted(request)
    if (answer === undefined) return undefined
    socket.write(answer)
    if (head.length > 0) socket.unshift(head)
    return new WebSocketLink(socket)
  }

  listen(listener: SocketListener): void {
    const first = this.#listener === undefined
    this.#listener = listener
    if (first) this.#socket.on('data', (bytes: Buffer) => this.#took(bytes))
    this.resume()
  }

  /** Sends a message; false where the browser is slow: then `drain` says when to go on. */
  send(message: string | Uint8Array): boolean {
    if (this.#closed) return true
    return typeof message === 'string'
      ? this.#frame(opcodes.text, Buffer.from(message))
      : this.#frame(opcodes.binary, message)
  }

  /** Reads on. */
  resume(): void {
    // What has not been read could not be heard.
    if (this.#held) this.#heard = performance.now()
    this.#held = false
    if (this.#closed) return
    this.#parse()
    if (!this.#held) this.#socket.resume()
  }

  close(code: number = closeCodes.done): void {
    if (this.#closed) return
    const body = Buffer.alloc(2)
    body.writeUInt16BE(code)
    this.#frame(opcodes.close, body)
    this.#gone()
    this.#socket.end()
    // The browser answers, or it is gone.
    setTimeout(() => this.#socket.destroy(), 1000).unref()
  }

  #gone(): void {
    if (this.#closed) return
    this.#closed = true
    clearInterval(this.#beat)
    this.#listener?.closed()
  }

  #beatOnce(): void {
    if (!this.#held && performance.now() - this.#heard > socketSilentMs) this.#socket.destroy()
    else this.#frame(opcodes.ping, Buffer.alloc(0))
  }

  #frame(opcode: number, body: Uint8Array): boolean {
    const { length } = body
    const head = Buffer.alloc(length < 126 ? 2 : length < 65_536 ? 4 : 10)
    head[0] = 0x80 | opcode
    head[1] = length < 126 ? length : length < 65_536 ? 126 : 127
    if (head.length === 4) head.writeUInt16BE(length, 2)
    if (head.length === 10) head.writeBigUInt64BE(BigInt(length), 2)
    this.#socket.write(head)
    return this.#socket.write(body)
  }

  #took(bytes: Buffer): void {
    this.#heard = performance.now()
    this.#rest = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes])
    this.#parse()
  }

  #parse(): void {
    while (!this.#held && !this.#closed) {
      const rest = this.#rest
      if (rest.length < 2) return
      const [first = 0, second = 0] = rest
      const opcode = first & 0x0f
      const control = opcode >= opcodes.close
      const short = second & 0x7f
      // A browser masks, and sets no bit that an extension would define.
      if ((first & 0x70) !== 0 || (second & 0x80) === 0) return void this.close(closeCodes.protocol)
      if (control && (short > 125 || (first & 0x80) === 0)) return void this.close(closeCodes.protocol)
      const wide = short === 126 ? 2 : short === 127 ? 8 : 0
      if (rest.length < 2 + wide + 4) return
      const length = wide === 0 ? short : wide === 2 ? rest.readUInt16BE(2) : Number(rest.readBigUInt64BE(2))
      if (length + this.#partBytes > maxSocketMessageBytes) return void this.close(closeCodes.tooLarge)
      const at = 2 + wide + 4
      if (rest.length < at + length) return
      const body = Buffer.from(rest.subarray(at, at + length))
      const mask = rest.subarray(at - 4, at)
      for (let index = 0; index < length; index++) body[index] = (body[index] ?? 0) ^ (mask[index & 3] ?? 0)
      this.#rest = rest.subarray(at + length)
      if (control) this.#control(opcode, body)
      else this.#data(opcode, (first & 0x80) !== 0, body)
    }
  }

  #control(opcode: number, body: Buffer): void {
    if (opcode === opcodes.close) this.close()
    else if (opcode === opcodes.ping) this.#frame(opcodes.pong, body)
  }

  #data(opcode: number, last: boolean, body: Buffer): void {
    const begins = opcode === opcodes.text || opcode === opcodes.binary
    if (begins === (this.#kind !== undefined) || opcode > opcodes.binary) return void this.close(closeCodes.protocol)
    if (begins) this.#kind = opcode === opcodes.text ? 'text' : 'bytes'
    if (this.#parts.length >= maxMessageParts) return void this.close(closeCodes.tooLarge)
    this.#parts.push(body)
    this.#partBytes += body.length
    if (!last) return
    const message = this.#parts.length === 1 ? body : Buffer.concat(this.#parts)
    const kind = this.#kind
    this.#parts = []
    this.#partBytes = 0
    this.#kind = undefined
    if (kind === 'bytes') {
      if (this.#listener?.bytes(message) !== false) return
      this.#held = true
      this.#socket.pause()
      return
    }
    let text: string
    try {
      text = new TextDecoder('utf-8', { fatal: true }).decode(message)
    } catch {
      return void this.close(closeCodes.unreadable)
    }
    this.#listener?.text(text)
  }
}
