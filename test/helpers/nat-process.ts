/** A peer of `nat-peer.ts` in a network namespace, and how it is asked. */

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { peerIdOf } from '../../protocol/signing/peer-id.ts'
import { testSigner } from './fleet.ts'
import type { NatPlace } from './nat-lab.ts'
import type { NatOrder, NatPeerInit, NatWays } from './nat-peer.ts'

const program = join(import.meta.dirname, 'nat-peer.ts')

/** The port at which peers of the lab listen. */
export const natPort = 4460

export type NatProcessInit = Pick<NatPeerInit, 'now' | 'word' | 'timing' | 'portMapping'> & {
  readonly role?: NatPeerInit['role']
  readonly hubs: readonly NatProcess[]
}

export class NatProcess {
  readonly peer: string
  /** Where it can be dialled, if nothing is in the way. */
  readonly address: string
  readonly #child: ChildProcess
  readonly #answers: AsyncIterator<string>
  #last: Promise<unknown> = Promise.resolve()

  private constructor(child: ChildProcess, init: { peer: string; address: string }) {
    this.#child = child
    this.peer = init.peer
    this.address = init.address
    if (child.stdout === null) throw new TypeError('expected a pipe')
    this.#answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  }

  static async start(place: NatPlace, init: NatProcessInit): Promise<NatProcess> {
    const { word, now, role = 'device', hubs, timing, portMapping = false } = init
    const listen = `/ip4/${place.address}/tcp/${natPort}`
    const bootstrap = hubs.map(({ address }) => address)
    const more = { portMapping, ...(timing && { timing }) }
    const settings: NatPeerInit = { now, word, role, listen: [listen], bootstrap, ...more }
    const [command = '', ...args] = place.argv([process.execPath, program, JSON.stringify(settings)])
    const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] })
    const peer = peerIdOf(testSigner(word).publicKey)
    const started = new NatProcess(child, { peer, address: `${listen}/p2p/${peer}` })
    await started.#answer()
    return started
  }

  /** Gives an order, after those before it. Rejects with what went wrong there. */
  ask<T>(order: NatOrder): Promise<T> {
    const asked = this.#last.then(async () => {
      this.#child.stdin?.write(`${JSON.stringify(order)}\n`)
      return (await this.#answer()) as T
    })
    this.#last = asked.catch(() => {})
    return asked
  }

  async ways(to: NatProcess): Promise<readonly string[]> {
    const { ways } = await this.ask<NatWays>({ do: 'ways' })
    return ways[to.peer] ?? []
  }

  get runs(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null
  }

  /** Ends it at once, as a power cut does for its program. */
  async kill(): Promise<void> {
    if (!this.runs) return
    const ended = once(this.#child, 'exit')
    this.#child.kill('SIGKILL')
    await ended
  }

  /** Ends it in order. */
  async stop(): Promise<void> {
    if (!this.runs) return
    const ended = once(this.#child, 'exit')
    this.#child.kill('SIGTERM')
    await ended
  }

  async #answer(): Promise<unknown> {
    const { value, done } = await this.#answers.next()
    if (done === true) throw new Error('the peer has ended')
    const answer = JSON.parse(value)
    if (answer?.error !== undefined) throw new Error(answer.error)
    return answer
  }
}
