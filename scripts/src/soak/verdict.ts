/** The verdict of a soak: which figures are flat, what was lost, and both as text. */

import { table } from '../../../controller/format/table.ts'
import { leastReadings, quarters, type Reading, trendOf } from './flat.ts'
import type { RoundsResult } from './rounds.ts'
import { allowances, type Sample } from './samples.ts'
import { messageLimitMs, type SilenceResult } from './silence.ts'

/** What was measured. */
export interface Measured {
  readonly minutes: number
  readonly rounds: RoundsResult
  readonly silence: SilenceResult
  /** Samples of each process. */
  readonly processes: readonly { readonly name: string; readings(figure: keyof Sample): readonly Reading[] }[]
  /** Names of devices with, and of those without, a lane. */
  readonly lanes: { readonly expected: readonly string[]; readonly refused: readonly string[] }
}

/** A figure of a process, in `unit`. */
export interface Figure {
  readonly process: string
  readonly figure: string
  readonly unit: string
  readonly quarters: readonly number[]
  readonly growth: number
  readonly perHour: number
  readonly atMost: number
  readonly counted: number
  readonly flat: boolean
}

export interface Verdict {
  readonly held: boolean
  readonly minutes: number
  readonly rounds: RoundsResult
  readonly silence: SilenceResult
  readonly figures: readonly Figure[]
  /** A sentence for each thing that is not as it should be. */
  readonly problems: readonly string[]
}

export function verdictOf(measured: Measured): Verdict {
  const figures = measured.processes.flatMap(process => figuresOf(process))
  const problems = [
    ...unseen(figures),
    ...figures.filter(({ flat, counted }) => !flat && counted >= leastReadings).map(problemOf),
    ...roundProblems(measured),
    ...silenceProblems(measured.silence),
  ]
  const { minutes, rounds, silence } = measured
  return { held: problems.length === 0, minutes, rounds, silence, figures, problems }
}

export function textOf({ rounds, silence, figures, problems }: Verdict): string {
  const rows = figures.map(({ process, figure, unit, quarters, growth, atMost, flat }, index) => [
    figures[index - 1]?.process === process ? '' : process,
    unit === '' ? figure : `${figure}, ${unit}`,
    ...quarters.map(shown),
    shown(growth),
    shown(atMost),
    flat ? 'yes' : 'no',
  ])
  const heads = ['PROCESS', 'FIGURE', '25 %', '50 %', '75 %', '100 %', 'GROWTH', 'AT MOST', 'FLAT']
  const { cold, update } = rounds.seconds
  const message = silence.messageMs === undefined ? 'not passed on' : `passed on in ${Math.round(silence.messageMs)} ms`
  return [
    table(heads, rows),
    '',
    `Fetches: ${rounds.rounds} closures for each device, new ones in ${shown(cold)} s, updates in ${shown(update)} s.`,
    `Silence: ${shown(silence.minutes)} minutes, ${silence.probes} probes, ${shown(silence.bytesPerSecond)} B/s; the connection was ${
      silence.held ? 'held' : 'lost'
    }, a release then ${message}.`,
    ...(problems.length === 0 ? ['All flat, nothing lost.'] : problems),
  ].join('\n')
}

function figuresOf(process: Measured['processes'][number]): Figure[] {
  return (Object.keys(allowances) as (keyof Sample)[]).flatMap(key => {
    const read = process.readings(key)
    const { title, per, unit, growth: atMost } = allowances[key]
    // A process without such a folder.
    if (read.every(({ value }) => value === 0)) return []
    const { growth, perHour, counted, flat } = trendOf(read, { growth: atMost })
    const scaled = (value: number) => value / per
    return {
      process: process.name,
      figure: title,
      unit,
      quarters: quarters(read).map(scaled),
      growth: scaled(growth),
      perHour: scaled(perHour),
      atMost: scaled(atMost),
      counted,
      flat,
    }
  })
}

function problemOf({ process, figure, unit, growth, atMost, perHour }: Figure): string {
  const amount = (value: number) => (unit === '' ? shown(value) : `${shown(value)} ${unit}`)
  return `${process}: ${figure} grew by ${amount(growth)}, at most ${amount(atMost)} are flat (${amount(perHour)} an hour).`
}

/** A process that was hardly looked at: one line for all of its figures. */
function unseen(figures: readonly Figure[]): string[] {
  const names = new Set(figures.filter(({ counted }) => counted < leastReadings).map(({ process }) => process))
  return [...names].map(
    name => `${name}: read less than ${leastReadings} times after the warm-up, which shows nothing.`,
  )
}

function roundProblems({ rounds, lanes }: Measured): string[] {
  return [
    ...(rounds.rounds === 0 ? ['No closure was fetched.'] : []),
    ...lanes.expected.filter(name => !rounds.lanes[name]).map(name => `${name}: expected bulk lanes, had none.`),
    ...lanes.refused.filter(name => rounds.lanes[name]).map(name => `${name}: expected no bulk lanes, had some.`),
  ]
}

function silenceProblems({ held, messageMs }: SilenceResult): string[] {
  return [
    ...(held ? [] : ['The silent connection was lost, or there is another one.']),
    ...(messageMs === undefined ? [`After the silence a release did not pass within ${messageLimitMs / 1000} s.`] : []),
  ]
}

function shown(value: number): string {
  return String(Math.abs(value) >= 100 ? Math.round(value) : Number(value.toPrecision(3)))
}
