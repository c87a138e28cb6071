/** The result of a case and its output: rows for people, or one JSON line. */

import { availableParallelism, loadavg } from 'node:os'
import { table } from '../../../controller/format/table.ts'

/** One thing that was measured and the most that it may be. */
export interface Bound {
  readonly what: string
  readonly figure: number
  readonly unit: string
  readonly goal: number
}

export interface Result {
  readonly case: string
  /** The main one first. */
  readonly bounds: readonly [Bound, ...Bound[]]
  /** The same figure as the first bound's, of what was measured beside it. */
  readonly peers: Readonly<Record<string, number>>
  readonly detail: Readonly<Record<string, unknown>>
}

/** The machine that a case ran on, for its detail: its load at the beginning shows how reliable the times are. */
export function machine(): { cores: number; loadBefore: number; node: string } {
  return { cores: availableParallelism(), loadBefore: loadavg()[0] ?? 0, node: process.version }
}

export function reached({ figure, goal }: Bound): boolean {
  return figure <= goal
}

export function jsonLine(result: Result): string {
  const [{ what, figure, unit, goal }] = result.bounds
  const bounds = result.bounds.map(bound => ({ ...bound, reached: reached(bound) }))
  return JSON.stringify({
    case: result.case,
    figure: round(figure),
    unit,
    goal: round(goal),
    reached: result.bounds.every(reached),
    peers: Object.fromEntries(Object.entries(result.peers).map(([name, value]) => [name, round(value)])),
    detail: rounded({ what, bounds, ...result.detail }),
  })
}

export function textOf(results: readonly Result[]): string {
  const rows = results.flatMap(({ case: name, bounds, peers }) =>
    bounds.map((bound, index) => [
      index === 0 ? name : '',
      bound.what,
      `${shown(bound.figure)} ${bound.unit}`,
      `≤ ${shown(bound.goal)}`,
      reached(bound) ? 'yes' : 'no',
      index > 0
        ? ''
        : Object.entries(peers)
            .map(([peer, value]) => `${peer} ${shown(value)}`)
            .join(', '),
    ]),
  )
  return table(['CASE', 'MEASURED', 'FIGURE', 'GOAL', 'REACHED', 'BESIDE IT'], rows)
}

function round(value: number): number {
  return Number(value.toPrecision(5))
}

function shown(value: number): string {
  if (Math.abs(value) >= 100_000) return value.toLocaleString('en', { maximumFractionDigits: 0 }).replaceAll(',', ' ')
  return String(Number(value.toPrecision(3)))
}

function rounded(value: unknown): unknown {
  if (typeof value === 'number') return Number.isInteger(value) ? value : round(value)
  if (Array.isArray(value)) return value.map(rounded)
  if (value === null || typeof value !== 'object') return value
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, rounded(each)]))
}
