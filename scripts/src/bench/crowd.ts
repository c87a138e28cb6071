/** Many peers in a few processes, connected as a case says. */

import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { BenchError } from './bench-error.ts'
import type { CountOrder, DialOrder, PeersNews, PeersSettings } from './peers.ts'
import type { Place } from './place.ts'
import { Program } from './program.ts'
import { Talk } from './talk.ts'

/** Peers in one process; more would queue behind each other, which says nothing about a mesh. */
const perProcess = 10
const firstPort = 5000

export interface CrowdOptions {
  readonly count: number
  readonly place: Place
  readonly token: string
  readonly directory: string
  /** Whether they look for each other by mDNS. */
  readonly mdns?: boolean
}

interface Part {
  readonly program: Program
  readonly talk: Talk<PeersNews>
}

export class Crowd {
  /** Where each peer listens. */
  readonly addresses = new Map<string, string>()
  readonly #parts: Part[] = []

  private constructor() {}

  static async start({ count, place, token, directory, mdns = false }: CrowdOptions): Promise<Crowd> {
    const crowd = new Crowd()
    try {
      for (let first = 0; first < count; first += perProcess) {
        const settings: PeersSettings = {
          directory: join(directory, 'peers'),
          token,
          first,
          count: Math.min(perProcess, count - first),
          address: place.address,
          port: firstPort + first,
          mdns,
        }
        const argv = place.argv([process.execPath, join(import.meta.dirname, 'peers.ts'), JSON.stringify(settings)])
        const program = new Program(argv, { log: join(directory, `peers-${first}.log`), talks: true })
        crowd.#parts.push({ program, talk: new Talk(program) })
      }
      for (const { talk } of crowd.#parts) {
        const late = async () => new BenchError('timeout', 'waited 60 s for peers to start')
        const ready = await talk.wait(60_000, news => 'ready' in news && news.ready, late)
        for (const [name, address] of Object.entries(ready)) crowd.addresses.set(name, address)
      }
      return crowd
    } catch (thrown) {
      await crowd.stop()
      throw thrown
    }
  }

  /** Lets peers dial: name → multiaddrs. */
  dial(dials: DialOrder['dial']): void {
    for (const { talk } of this.#parts) talk.tell({ dial: dials } satisfies DialOrder)
  }

  /** Admitted peers of each, and the release that it trusts. */
  async count(): Promise<{ connections: number[]; trusted: number[] }> {
    const counts = this.#parts.map(async ({ talk }) => {
      const from = talk.said.length
      talk.tell({ count: true } satisfies CountOrder)
      const late = async () => new BenchError('timeout', 'waited 10 s for peers to count their connections')
      return await talk.wait(10_000, (news, index) => index >= from && 'connections' in news && news, late)
    })
    const all = await Promise.all(counts)
    return {
      connections: all.flatMap(({ connections }) => Object.values(connections)),
      trusted: all.flatMap(({ trusted }) => Object.values(trusted)),
    }
  }

  /** Waits until every peer has at least `connections` and trusts some release, and the number stays the same. */
  async settle(connections: number, limitMs: number): Promise<number[]> {
    const deadline = Date.now() + limitMs
    let last = ''
    for (;;) {
      const now = await this.count()
      const good = now.connections.every(each => each >= connections) && now.trusted.every(each => each > 0)
      if (good && last === `${now.connections}`) return now.connections
      last = `${now.connections}`
      if (Date.now() > deadline) {
        throw new BenchError('timeout', `waited ${limitMs / 1000} s for peers to be connected; they have ${last}`)
      }
      await sleep(2_000)
    }
  }

  /** When peers came to trust a release, in milliseconds of the epoch; those that did so far. */
  trustedAt(release: number): number[] {
    const news = this.#parts.flatMap(({ talk }) => talk.said)
    return news.flatMap(each => ('at' in each && each.release === release ? each.at : []))
  }

  async cpuSeconds(): Promise<number> {
    const each = await Promise.all(this.#parts.map(({ program }) => program.cpuSeconds()))
    return each.reduce((sum, seconds) => sum + seconds, 0)
  }

  async stop(): Promise<void> {
    await Promise.all(this.#parts.map(({ program }) => program.stop()))
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop()
  }
}
