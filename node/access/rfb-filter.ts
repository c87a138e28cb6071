/**
 * What a viewer may say to a screen (RFB 3.8): an allow-list of messages, each read whole. Without control nothing gets
 * through that types, points, pastes or resizes; what isn't known ends the connection, since its length isn't known either.
 */

import { Transform, type TransformCallback } from 'node:stream'
import { ThymeshError } from '../../protocol/errors.ts'

export class RfbError extends ThymeshError<'not-understood'> {}

/** Bytes of one message; the longest is a pasted text. */
const maxMessageBytes = 256 * 1024
const versionBytes = 12

const kinds = {
  pixelFormat: 0,
  encodings: 2,
  update: 3,
  key: 4,
  pointer: 5,
  cutText: 6,
  continuous: 150,
  fence: 248,
  resize: 251,
  qemu: 255,
} as const

/** The encoding by which a viewer says that it may send more than seven buttons: then the mask's highest bit announces one more byte. */
const extendedButtons = -316
const extendedBit = 0x80

const input: ReadonlySet<number> = new Set([kinds.key, kinds.pointer, kinds.cutText, kinds.resize, kinds.qemu])

export class RfbFilter extends Transform {
  readonly #control: boolean
  #rest: Buffer = Buffer.alloc(0)
  #hasMoreButtons = false
  #stage: 'version' | 'security' | 'init' | 'messages' = 'version'
  /** Messages that were left out. */
  dropped = 0

  constructor(control: boolean) {
    super()
    this.#control = control
  }

  override _transform(bytes: Buffer, _: BufferEncoding, done: TransformCallback): void {
    this.#rest = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes])
    try {
      for (;;) {
        const length = this.#next()
        if (length === undefined || this.#rest.length < length) break
        const message = this.#rest.subarray(0, length)
        this.#rest = this.#rest.subarray(length)
        this.#take(message)
      }
      done()
    } catch (thrown) {
      done(thrown as Error)
    }
  }

  #take(message: Buffer): void {
    if (this.#stage === 'version') this.#stage = 'security'
    else if (this.#stage === 'security') this.#stage = 'init'
    else if (this.#stage === 'init') {
      this.#stage = 'messages'
      // Shared: who looks on must not end the others' views.
      this.push(Buffer.from([1]))
      return
    } else if (message[0] === kinds.encodings) {
      this.#hasMoreButtons ||= encodingsIn(message).includes(extendedButtons)
    } else if (!this.#control && input.has(message[0] ?? 0)) {
      this.dropped++
      return
    }
    this.push(message)
  }

  /** The bytes of the next message; undefined while that can't be told. */
  #next(): number | undefined {
    const rest = this.#rest
    if (this.#stage === 'version') {
      if (rest.length < versionBytes) return undefined
      if (rest.subarray(0, versionBytes).toString('latin1') === 'RFB 003.008\n') return versionBytes
      throw new RfbError('not-understood', 'expected RFB 3.8 of a viewer, got another version')
    }
    if (rest.length === 0) return undefined
    if (this.#stage === 'security') {
      if (rest[0] === 1) return 1
      throw new RfbError('not-understood', `expected the security type 1 (none), got ${rest[0]}`)
    }
    if (this.#stage === 'init') return 1
    const length = messageLength(rest, this.#hasMoreButtons)
    if (length !== undefined && length > maxMessageBytes) {
      throw new RfbError('not-understood', `expected messages of at most ${maxMessageBytes} bytes, got ${length}`)
    }
    return length
  }
}

function encodingsIn(message: Buffer): number[] {
  return Array.from({ length: (message.length - 4) / 4 }, (_, at) => message.readInt32BE(4 + at * 4))
}

function messageLength(rest: Buffer, hasMoreButtons: boolean): number | undefined {
  const has = (bytes: number) => rest.length >= bytes
  switch (rest[0]) {
    case kinds.pixelFormat:
      return 20
    case kinds.encodings:
      return has(4) ? 4 + rest.readUInt16BE(2) * 4 : undefined
    case kinds.update:
    case kinds.continuous:
      return 10
    case kinds.key:
      return 8
    case kinds.pointer:
      if (!has(2)) return undefined
      return hasMoreButtons && ((rest[1] ?? 0) & extendedBit) !== 0 ? 7 : 6
    case kinds.cutText:
      // A negative length is that of the extended clipboard.
      return has(8) ? 8 + Math.abs(rest.readInt32BE(4)) : undefined
    case kinds.fence:
      return has(9) ? 9 + rest.readUInt8(8) : undefined
    case kinds.resize:
      return has(8) ? 8 + rest.readUInt8(6) * 16 : undefined
    case kinds.qemu:
      if (!has(2)) return undefined
      if (rest[1] === 0) return 12
  }
  throw new RfbError('not-understood', `expected a message of a viewer, got one of type ${rest[0]}`)
}
