/** The common part of all cases: the built systems, the daemon's command, and figures that two cases need. */

import { LabNetwork } from '../../../test/lab/network.ts'
import type { NodeOptions } from '../bundle.ts'
import { ensurePrograms } from './apt.ts'
import { BenchError } from './bench-error.ts'
import { Scratch } from './scratch.ts'
import { buildSystems, type Systems } from './systems.ts'

export interface BenchOptions {
  /** News for a person who waits. */
  readonly say: (line: string) => void
  /** The command that starts `thymesh`. */
  readonly thymesh: readonly string[]
  /** How it starts Node. */
  readonly node: NodeOptions
}

export class Bench {
  readonly say: (line: string) => void
  readonly thymesh: readonly string[]
  readonly node: NodeOptions
  readonly #kept = new Map<string, Promise<unknown>>()
  #stack = new AsyncDisposableStack()

  constructor({ say, thymesh, node }: BenchOptions) {
    this.say = say
    this.thymesh = thymesh
    this.node = node
  }

  /** The systems, built once. */
  systems(): Promise<Systems> {
    return this.once('systems', () => buildSystems(line => this.say(`  ${line}`)))
  }

  /** Does something once for all cases of this run. */
  once<T>(name: string, work: () => Promise<T>): Promise<T> {
    const kept = this.#kept.get(name) ?? work()
    this.#kept.set(name, kept)
    return kept as Promise<T>
  }

  /** Runs work with things of its own, which are ended and removed after it, or by `dispose()`. */
  async with<T>(work: (stack: AsyncDisposableStack) => Promise<T>): Promise<T> {
    const stack = this.#stack.use(new AsyncDisposableStack())
    try {
      return await work(stack)
    } finally {
      await stack.disposeAsync()
    }
  }

  /** Ends and removes everything. */
  async dispose(): Promise<void> {
    const stack = this.#stack
    this.#stack = new AsyncDisposableStack()
    await stack.disposeAsync()
  }
}

/** A network and a folder, until the stack is disposed of. */
export async function arena(stack: AsyncDisposableStack): Promise<{ network: LabNetwork; scratch: Scratch }> {
  if (process.getuid?.() !== 0) {
    throw new BenchError('not-root', 'expected to be root, which can make network namespaces', {
      hint: 'Run it as root.',
    })
  }
  await ensurePrograms({ ip: 'iproute2', tc: 'iproute2', nsenter: 'util-linux', setpriv: 'util-linux' })
  const scratch = stack.use(await Scratch.make())
  return { scratch, network: stack.use(await LabNetwork.create()) }
}
