/** Records a sample each minute, and has the newest at hand. */

import { EventEmitter } from 'node:events'
import { join } from 'node:path'
import { messageOf } from '../../protocol/errors.ts'
import type { RawHistory } from '../../protocol/messages/metrics.ts'
import type { HistoryStep, Sample } from '../../protocol/metrics/series.ts'
import { SerialQueue } from '../concurrency/serial-queue.ts'
import type { Logger } from '../process/log.ts'
import type { Clock } from '../state/clock.ts'
import { sampleMs } from './limits.ts'
import { RingFile } from './ring-file.ts'
import type { Sampler } from './sampler.ts'

export interface RecorderComponents {
  readonly sampler: Pick<Sampler, 'take' | 'failed'>
  readonly clock: Pick<Clock, 'now' | 'reference'>
  readonly log: Logger
}

interface Events {
  sampled: [Sample]
}

export class Recorder extends EventEmitter<Events> {
  readonly #components: RecorderComponents
  readonly #file: string
  readonly #samples = new SerialQueue()
  readonly #began = performance.now()
  #rings: RingFile | undefined
  #timer: NodeJS.Timeout | undefined
  #latest: { readonly sample: Sample; readonly at: number } | undefined

  /** Metrics are kept in a state directory. */
  constructor(components: RecorderComponents, stateDirectory: string) {
    super()
    this.#components = components
    this.#file = join(stateDirectory, 'metrics')
  }

  /** A disk that fails must not stop the daemon: samples are then taken, and not kept. */
  async start(): Promise<void> {
    const { log } = this.#components
    const told = (reason: string) => log.warn({ reason }, 'the metrics begin anew')
    try {
      this.#rings = await RingFile.open(this.#file, this.#now, told)
    } catch (thrown) {
      log.warn({ file: this.#file, reason: messageOf(thrown) }, 'no metrics are kept')
    }
    await this.#record()
    this.#next()
  }

  async stop(): Promise<void> {
    clearTimeout(this.#timer)
    this.#timer = undefined
    await this.#samples.drain()
    await this.#rings?.close()
    this.#rings = undefined
  }

  /** The newest sample; nothing when it is older than two minutes. */
  get latest(): Sample | undefined {
    const { sample, at } = this.#latest ?? {}
    return at !== undefined && performance.now() - at < 2 * sampleMs ? sample : undefined
  }

  /** The failed units of the newest sample. */
  get failedUnits(): readonly string[] {
    return this.#components.sampler.failed
  }

  async history(step: HistoryStep, from: number, to: number, series?: readonly string[]): Promise<RawHistory> {
    // What lies ahead of this clock was written by a wrong one.
    const end = Math.min(to, this.#now)
    return (await this.#rings?.history(step, from, end, series)) ?? { step, from, points: 0, series: [] }
  }

  /** Seconds since 1970; without a live clock the latest time that has passed, counted on by this process. */
  get #now(): number {
    const { clock } = this.#components
    const live = clock.now?.getTime()
    return Math.floor((live ?? clock.reference.getTime() + performance.now() - this.#began) / 1000)
  }

  /** In the middle of each minute of the clock, so that a clock that is adjusted skips none and repeats none. */
  #next(): void {
    const delay = sampleMs - ((this.#now * 1000 + sampleMs / 2) % sampleMs)
    this.#timer = setTimeout(() => {
      this.#next()
      void this.#record()
    }, delay)
  }

  async #record(): Promise<void> {
    await this.#samples.run(async () => {
      try {
        const sample = await this.#components.sampler.take()
        this.#latest = { sample, at: performance.now() }
        this.emit('sampled', sample)
        await this.#rings?.add(this.#now, sample)
      } catch (thrown) {
        this.#components.log.warn({ reason: messageOf(thrown) }, 'a sample was not kept')
      }
    })
  }
}
