/** Staging in memory: what a room shares out, and what is on its disk. */

import { Bitfield } from '../../node/swarm/chunks/bitfield.ts'
import type { ChunkList } from '../../node/swarm/chunks/chunk-list.ts'
import type { StagingBudgetComponents } from '../../node/swarm/staging/staging-budget.ts'
import { StagingLayout } from '../../node/swarm/staging/staging-layout.ts'

export class MemoryStaging {
  readonly layout: StagingLayout
  readonly list: ChunkList
  readonly written: Bitfield
  /** Files that were given up, by their index. */
  readonly evicted: number[] = []

  constructor(list: ChunkList, staged: Iterable<number> = []) {
    this.list = list
    this.layout = new StagingLayout(list)
    this.written = new Bitfield(list.count)
    for (const number of staged) this.written.add(number)
  }

  get bytes(): number {
    return this.list.lengths.reduce((sum, length, number) => sum + (this.written.has(number) ? length : 0), 0)
  }

  readonly has = (number: number) => this.written.has(number)
  readonly takesRoom = this.has
  readonly read = async () => undefined
  readonly readRun = async () => 0
  readonly put = async (number: number) => void this.written.add(number)
  readonly evict = async (range: number) => {
    this.evicted.push(range)
    this.#clear(range)
  }

  /** As if every path had a file for itself. */
  readonly releasePath = async (path: string) => this.#clear(this.layout.ofPath(path)?.range ?? 0)

  get components(): StagingBudgetComponents {
    return { list: this.list, staging: this }
  }

  #clear(range: number): void {
    const { from, to } = this.layout.ranges[range] ?? { from: 0, to: 0 }
    for (let number = from; number < to; number++) this.written.remove(number)
  }
}
