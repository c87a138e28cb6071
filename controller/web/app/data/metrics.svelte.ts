/** Metrics of devices, as they are asked for: a few at a time, kept for a while, and read again while they are shown. */

import type { DeviceMetrics } from '../../../api/schemas/metrics.ts'
import { clock } from '../base/clock.svelte.ts'
import { client, type Failure, failureOf } from './client.ts'
import type { Live } from './live.svelte.ts'

export const ranges = ['hour', 'day', 'month', 'year'] as const
export type Range = (typeof ranges)[number]

const hourMs = 3_600_000
const rangeMs: Readonly<Record<Range, number>> = {
  hour: hourMs,
  day: 24 * hourMs,
  month: 28 * 24 * hourMs,
  year: 365 * 24 * hourMs,
}
/** Each asks a device over the mesh: a list of many must not ask all of them at once. */
const atOnce = 3
const maxWaiting = 60
const keptMs = 60_000
/** Cells of one row ask for the same; so young an answer is for all of them. */
const sharedMs = 30_000
const maxKept = 500
/** A device writes a row a minute. */
const againMs = 60_000

const kept = new Map<string, { readonly at: number; readonly answer: Promise<DeviceMetrics> }>()
interface Waiting {
  readonly go: () => void
  readonly drop: (reason: Error) => void
}
const queue: Waiting[] = []
let busy = 0

/** The newest first: rows that were scrolled away wait the longest, and are left in the end. */
async function inTurn<T>(work: () => Promise<T>): Promise<T> {
  if (busy >= atOnce) {
    await new Promise<void>((go, drop) => {
      queue.push({ go, drop })
      if (queue.length > maxWaiting) queue.shift()?.drop(new Error('scrolled away'))
    })
  }
  busy++
  try {
    return await work()
  } finally {
    busy--
    queue.pop()?.go()
  }
}

/** `wait` is how many seconds the controller tries to reach it. */
async function ask(
  device: string,
  range: Range,
  series: readonly string[],
  wait: number,
  anew: boolean,
): Promise<DeviceMetrics> {
  const key = JSON.stringify([device, range, series])
  const found = kept.get(key)
  if (found !== undefined && Date.now() - found.at < (anew ? sharedMs : keptMs)) return await found.answer
  const query = new URLSearchParams({ since: new Date(clock.now - rangeMs[range]).toISOString(), wait: String(wait) })
  for (const each of series) query.append('series', each)
  const answer = inTurn(() => client.get<DeviceMetrics>(`/v1/devices/${encodeURIComponent(device)}/metrics?${query}`))
  kept.delete(key)
  kept.set(key, { at: Date.now(), answer })
  answer.catch(() => kept.delete(key))
  const [oldest] = kept.keys()
  if (kept.size > maxKept && oldest !== undefined) kept.delete(oldest)
  return await answer
}

interface Asked {
  readonly device: string
  readonly range: Range
  /** All, if there are none. */
  readonly series?: readonly string[]
  readonly wait: number
}

/** Called while a component begins. What was read stays in sight while it is read again. */
export function metricsOf(asked: () => Asked): Live<DeviceMetrics> {
  let value = $state.raw<DeviceMetrics | undefined>(undefined)
  let failure = $state.raw<Failure | undefined>(undefined)
  let reading = $state(false)
  let read = (_anew: boolean) => {}

  $effect(() => {
    const { device, range, series = [], wait } = asked()
    let gone = false
    value = undefined
    failure = undefined
    read = async (anew: boolean) => {
      reading = true
      try {
        const answer = await ask(device, range, series, wait, anew)
        if (gone) return
        value = answer
        failure = undefined
      } catch (thrown) {
        if (!gone) failure = failureOf(thrown)
      }
      if (!gone) reading = false
    }
    void read(false)
    const timer = setInterval(() => void read(true), againMs)
    return () => {
      gone = true
      clearInterval(timer)
    }
  })

  return {
    get value() {
      return value
    },
    get failure() {
      return failure
    },
    get reading() {
      return reading
    },
    again: () => read(true),
  }
}
