/** A Nix daemon for unit tests: it speaks the worker protocol of any version, from a script, over a pair of streams. */
import { duplexPair } from 'node:stream'
import type { WorkerTransport } from '../../node/store/worker/worker-transport.ts'
import { WireMessage, WireReader } from '../../node/store/worker/worker-wire.ts'

const STDERR_LAST = 0x616c7473
const STDERR_ERROR = 0x63787470

/** The daemon's end of a connection. */
export class FakeDaemon {
  readonly transport: WorkerTransport
  readonly reader: WireReader
  /** The client's announcement. */
  announced: number | undefined
  destroyed = 0
  readonly #write: (bytes: Uint8Array) => void

  constructor() {
    const [ours, theirs] = duplexPair()
    this.reader = new WireReader(ours)
    this.#write = bytes => void ours.write(bytes)
    ours.on('error', () => {})
    theirs.on('error', () => {})
    this.transport = {
      fromDaemon: theirs,
      toDaemon: theirs,
      failure: undefined,
      destroy: async reason => {
        this.destroyed++
        theirs.destroy(reason)
        ours.destroy()
      },
    }
  }

  send(message: WireMessage): void {
    this.#write(message.bytes())
  }

  /** The handshake as a daemon of protocol 1.`minor` does it. */
  async greet(minor: number): Promise<void> {
    await this.reader.u64()
    this.send(new WireMessage().u64(0x6478696f).u64((1 << 8) | minor))
    this.announced = await this.reader.u64()
    const both = Math.min(minor, this.announced & 0xff)
    if (both >= 38) {
      await this.reader.strings()
      this.send(new WireMessage().strings(['some-feature']))
    }
    await this.reader.u64()
    await this.reader.u64()
    const hello = new WireMessage()
    if (both >= 33) hello.string(`2.${minor}-fake`)
    if (both >= 35) hello.u64(2)
    this.send(hello.u64(STDERR_LAST))
  }

  /** Ends an operation well, with what follows. */
  done(rest = new WireMessage()): void {
    this.send(new WireMessage().u64(STDERR_LAST))
    this.send(rest)
  }

  /** Ends an operation with an error, as daemons since 1.26 write it, or older ones. */
  refuse(text: string, structured = true): void {
    const message = new WireMessage().u64(STDERR_ERROR)
    if (!structured) this.send(message.string(text).u64(1))
    else this.send(message.string('Error').u64(0).string('Error').string(text).u64(0).u64(1).u64(0).string('a trace'))
  }

  async end(): Promise<void> {
    await this.transport.destroy()
  }
}
