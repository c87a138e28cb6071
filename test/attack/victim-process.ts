/** Starts a victim in a process of its own, and asks it what it holds. */

import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import type { Connection, Libp2p } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import type { TestFleet } from '../helpers/fleet.ts'
import { helloOf, sayHello } from '../helpers/raw-host.ts'
import type { Arena } from './arena.ts'
import type { HostilePeer } from './hostile-peer.ts'

export interface VictimInit {
  fleet: string
  /** When the fleet was founded: the same fleet has the same keys and ID in both processes. */
  now: string
  dht: 'off' | 'server'
}

const ownProgram = join(import.meta.dirname, 'victim-program.ts')

export interface Measured {
  readonly heapBytes: number
  readonly connections: number
  readonly streams: number
  readonly members: number
  readonly certificates: number
  readonly knownPeers: number
  readonly release: number
  readonly tables: Record<string, { entries: number; bytes: number }>
}

export class VictimProcess {
  readonly addresses: readonly string[]
  readonly #child: ChildProcess
  readonly #fleet: TestFleet

  private constructor(child: ChildProcess, fleet: TestFleet, addresses: readonly string[]) {
    this.#child = child
    this.#fleet = fleet
    this.addresses = addresses
  }

  /** `program`: the same program in another tree, such as that of the version before. */
  static async of(
    { fleet, ending }: Pick<Arena, 'fleet' | 'ending'>,
    init: { dht?: 'off' | 'server'; program?: string } = {},
  ): Promise<VictimProcess> {
    const settings: VictimInit = { fleet: fleet.name, now: fleet.now.toISOString(), dht: init.dht ?? 'off' }
    const child = fork(init.program ?? ownProgram, [JSON.stringify(settings)], {
      execArgv: ['--expose-gc'],
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    })
    ending.after(async () => {
      if (child.exitCode !== null) return
      const gone = once(child, 'exit')
      if (child.connected) child.send('stop')
      const timer = setTimeout(() => child.kill('SIGKILL'), 10_000)
      await gone
      clearTimeout(timer)
    })
    const [started] = (await once(child, 'message')) as [{ addresses: string[] }]
    return new VictimProcess(child, fleet, started.addresses)
  }

  /** Its memory and tables now, after collection. Throws when the process has ended. */
  async measure(): Promise<Measured> {
    if (this.#child.exitCode !== null) throw new Error(`the victim has ended with ${this.#child.exitCode}`)
    const ended = new AbortController()
    const gone = once(this.#child, 'exit', { signal: ended.signal }).then(
      ([code]) => Promise.reject(new Error(`the victim has ended with ${code}`)),
      () => new Promise<never>(() => {}),
    )
    const answer = once(this.#child, 'message', { signal: ended.signal }) as Promise<[Measured]>
    this.#child.send('measure')
    try {
      const [measured] = await Promise.race([answer, gone])
      return measured
    } finally {
      ended.abort()
      answer.catch(() => {})
    }
  }

  dial(host: Libp2p): Promise<Connection> {
    return host.dial(this.addresses.map(text => multiaddr(text)))
  }

  /** Connects as a member; resolves once it is admitted. */
  async join(hostile: HostilePeer): Promise<Connection> {
    const connection = await this.dial(hostile.host)
    const verdict = await sayHello(connection, this.#fleet, helloOf(this.#fleet, hostile.certificate))
    if (!verdict.admitted) throw new Error(`the victim refused: ${verdict.reason}`)
    return connection
  }
}
