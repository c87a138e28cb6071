/** Frees disk space: deletes old generations by number and age, then collects garbage, on a schedule or on demand. */

import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Target } from '../../protocol/encoding/fields.ts'
import { messageOf } from '../../protocol/errors.ts'
import type { UpdatePolicy } from '../../protocol/release/update-policy.ts'
import { SerialQueue } from '../concurrency/serial-queue.ts'
import type { Logger } from '../process/log.ts'
import type { NixStore } from '../store/local/nix-store.ts'
import type { Activator } from './activator.ts'
import { writeDurably } from './journal.ts'
import { finalStates } from './journal-entry.ts'
import { housekeepingIntervalMs } from './limits.ts'
import { expiredGenerations, isSweepDue } from './retention.ts'
import { profiles } from './switch.ts'

export interface HousekeeperComponents {
  store: Pick<NixStore, 'generations' | 'deleteGenerations' | 'collectGarbage'>
  activator: Pick<Activator, 'running' | 'boots' | 'last'>
  /** The policy in force and the target; nothing before a release names this device. */
  config: () => { policy: UpdatePolicy; target: Target } | undefined
  log: Logger
  now?: () => Date
}

export class Housekeeper {
  readonly #components: HousekeeperComponents
  readonly #directory: string
  #timer: NodeJS.Timeout | undefined
  readonly #sweeps = new SerialQueue()

  /** `directory`: where the time of the last sweep is kept. */
  constructor(components: HousekeeperComponents, init: { directory: string }) {
    this.#components = components
    this.#directory = init.directory
  }

  start(): void {
    this.#timer = setInterval(() => void this.#look(), housekeepingIntervalMs)
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer)
    await this.#sweeps.drain()
  }

  /** Sweeps now, one sweep at a time: by the schedule, or because an update needs room. */
  sweep(): Promise<void> {
    return this.#sweeps
      .run(() => this.#sweep())
      .catch(thrown => this.#components.log.warn({ reason: messageOf(thrown) }, 'the store could not be swept'))
  }

  async #look(): Promise<void> {
    const { config, log } = this.#components
    const current = config()
    if (current === undefined) return
    try {
      const now = this.#now()
      const last = await this.#lastSweep()
      // A clock that was set back must not stop sweeps for ever.
      if (last === undefined || last > now) await this.#noteSweep(now)
      else if (isSweepDue(current.policy.gc, last, now)) await this.sweep()
    } catch (thrown) {
      log.warn({ reason: messageOf(thrown) }, 'the store could not be swept')
    }
  }

  async #sweep(): Promise<void> {
    const { store, activator, config, log } = this.#components
    const current = config()
    if (current === undefined) return
    const { policy, target } = current
    const last = await activator.last()
    // The generation under test is not in a profile yet.
    if (last !== undefined && !finalStates.has(last.state)) return
    const paths = [await activator.running(), await activator.boots(target), last?.new, last?.old]
    const needed = new Set(paths.filter(path => path !== undefined))
    const generations = await store.generations(profiles[target])
    const numbers = expiredGenerations(generations, policy.keep, needed, this.#now()).map(({ number }) => number)
    await store.deleteGenerations(profiles[target], numbers)
    await store.collectGarbage()
    await this.#noteSweep(this.#now())
    log.info({ generations: generations.length - numbers.length, gone: numbers }, 'the store was swept')
  }

  #now(): Date {
    return this.#components.now?.() ?? new Date()
  }

  async #lastSweep(): Promise<Date | undefined> {
    const text = await readFile(join(this.#directory, 'swept'), 'utf8').catch(() => '')
    const date = new Date(text.trim())
    return Number.isNaN(date.getTime()) ? undefined : date
  }

  #noteSweep(now: Date): Promise<void> {
    return writeDurably(this.#directory, 'swept', `${now.toISOString()}\n`)
  }
}
