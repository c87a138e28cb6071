/** A slow line between two network namespaces: a program between two TUN devices, since not every kernel has netem. */

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { LabError } from '../lab/errors.ts'
import type { Namespace } from '../lab/network.ts'

const program = join(import.meta.dirname, 'delay-line.pl')

export interface DelayLineInit {
  /** A namespace, and the name of the line's device in it. */
  readonly from: { readonly namespace: Namespace; readonly device: string }
  readonly to: { readonly namespace: Namespace; readonly device: string }
  /** One way. */
  readonly delayMs: number
}

export class DelayLine {
  readonly #child: ChildProcess

  private constructor(child: ChildProcess) {
    this.#child = child
  }

  /** Lays the line; its devices have no addresses yet, and are down. */
  static async lay({ from, to, delayMs }: DelayLineInit): Promise<DelayLine> {
    const far = `${from.device}-far`
    const argv = ['setpriv', '--pdeathsig', 'KILL', 'perl', program, from.device, far, String(delayMs)]
    const [command = '', ...args] = from.namespace.argv(argv)
    const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] })
    const line = new DelayLine(child)
    await Promise.race([once(child.stdout, 'data'), once(child, 'exit')])
    if (child.exitCode !== null) {
      throw new LabError('lab-missing', 'expected two TUN devices, the kernel or perl refused them', {
        hint: 'Run as root on a kernel with TUN, with perl installed.',
      })
    }
    await from.namespace.ip('link', 'set', far, 'netns', String(to.namespace.pid), 'name', to.device)
    return line
  }

  async end(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const ended = once(this.#child, 'exit')
    this.#child.stdin?.end()
    await ended
  }
}
