/** QEMU's monitor: orders to a running machine, such as to plug in a stick, by JSON lines (QMP). */

import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { createInterface, type Interface } from 'node:readline'
import { z } from 'zod'
import { LabError } from '../errors.ts'

/** QEMU answers at once; a loaded computer may not let it. */
const answerMs = 120_000

const lineSchema = z.union([
  z.object({ return: z.unknown(), id: z.number() }),
  z.object({ error: z.object({ desc: z.string() }), id: z.number() }),
  z.object({ event: z.string(), data: z.unknown().optional() }),
  z.object({ QMP: z.unknown() }),
  // The answer to the order that ends the greeting.
  z.object({ return: z.unknown() }),
])

export class Qmp {
  readonly #socket: Socket
  readonly #lines: Interface
  readonly #waiting = new Map<number, PromiseWithResolvers<unknown>>()
  readonly #onEvent = new Set<(event: string, data: unknown) => void>()
  #asked = 0

  private constructor(socket: Socket) {
    this.#socket = socket
    this.#lines = createInterface({ input: socket })
    this.#lines.on('line', line => this.#take(line))
    socket.on('error', () => {})
    socket.once('close', () => {
      const gone = new LabError('not-running', 'QEMU has closed its monitor')
      for (const { reject } of this.#waiting.values()) reject(gone)
      this.#waiting.clear()
    })
  }

  /** Calls QEMU at its socket. */
  static async connect(path: string): Promise<Qmp> {
    const socket = connect(path)
    await once(socket, 'connect')
    const qmp = new Qmp(socket)
    await qmp.order('qmp_capabilities')
    return qmp
  }

  /** One order and its answer; QEMU's refusal is thrown. */
  async order(execute: string, about: object = {}): Promise<unknown> {
    const id = ++this.#asked
    const answer = Promise.withResolvers<unknown>()
    this.#waiting.set(id, answer)
    this.#socket.write(`${JSON.stringify({ execute, arguments: about, id })}\n`)
    return await this.#within(execute, answer, () => this.#waiting.delete(id))
  }

  /** Resolves at the next event of that name for which `is` holds. */
  async event(name: string, is: (data: unknown) => boolean): Promise<void> {
    const come = Promise.withResolvers<unknown>()
    const listener = (event: string, data: unknown) => {
      if (event === name && is(data)) come.resolve(undefined)
    }
    this.#onEvent.add(listener)
    await this.#within(name, come, () => this.#onEvent.delete(listener))
  }

  close(): void {
    this.#lines.close()
    this.#socket.destroy()
  }

  async #within(what: string, { promise, reject }: PromiseWithResolvers<unknown>, end: () => void): Promise<unknown> {
    const late = setTimeout(() => reject(new LabError('timeout', `no ${what} from QEMU's monitor`)), answerMs)
    try {
      return await promise
    } finally {
      clearTimeout(late)
      end()
    }
  }

  #take(line: string): void {
    const said = lineSchema.parse(JSON.parse(line))
    if ('event' in said) {
      for (const listener of this.#onEvent) listener(said.event, said.data)
    } else if ('id' in said) {
      const answer = this.#waiting.get(said.id)
      if ('error' in said) answer?.reject(new LabError('command-failed', `QEMU refuses: ${said.error.desc}`))
      else answer?.resolve(said.return)
    }
  }
}
