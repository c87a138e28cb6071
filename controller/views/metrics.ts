/** A device's metrics as text: a line of bars for each series, with its newest, lowest and highest value. */

import type { DeviceMetrics } from '../api/schemas/metrics.ts'
import { sparkline } from '../format/sparkline.ts'
import { size } from '../format/table.ts'

type Series = DeviceMetrics['series'][number]

/** Below this width only the newest value is beside the bars. */
const wideColumns = 70
const leastBars = 8
const mostBars = 96

export function metricsText({ device, source, from, step, series }: DeviceMetrics, width = 80): string {
  const measured = series.filter(({ average }) => average.some(value => value !== null))
  const points = Math.max(0, ...measured.map(({ average }) => average.length))
  const origin = source === 'outbox' ? ', as its last outbox has it' : ''
  if (measured.length === 0) return `${device}: nothing was measured since ${from}${origin}.`
  const until = endOf(from, points * step)
  const rows = measured.map(each => ({ each, cells: cellsOf(each, width >= wideColumns) }))
  const nameWidth = Math.max(...rows.map(({ each }) => each.name.length))
  const widths = (rows[0]?.cells ?? []).map((_, at) => Math.max(...rows.map(({ cells }) => cells[at]?.length ?? 0)))
  const beside = nameWidth + widths.reduce((sum, cell) => sum + cell + 2, 0) + 2
  const bars = Math.min(mostBars, Math.max(leastBars, width - beside))
  const head = width >= wideColumns ? ['NOW', 'LOW', 'HIGH'] : ['NOW']
  const line = (name: string, drawn: string, cells: readonly string[]) => {
    const padded = cells.map((cell, at) => cell.padStart(widths[at] ?? 0))
    return `${name.padEnd(nameWidth)}  ${drawn.padEnd(bars)}  ${padded.join('  ')}`
  }
  const lines = rows.map(({ each, cells }) =>
    line(each.name, sparkline(each.average, { width: bars, range: rangeOf(each) }), cells),
  )
  const span = `${from.slice(0, 16)} to ${until} UTC`
  return [`${device}: ${span}${origin}`, '', line('SERIES', '', head), ...lines].join('\n')
}

/** Another process may have told something that is no time. */
function endOf(from: string, seconds: number): string {
  const end = new Date(Date.parse(from) + seconds * 1000)
  return Number.isNaN(end.getTime()) ? '?' : end.toISOString().slice(0, 16)
}

/** Percentages are drawn against the whole, so that an idle processor looks idle. */
function rangeOf({ unit }: Series): readonly [number, number] | undefined {
  return unit === 'percent' ? [0, 100] : undefined
}

function cellsOf({ unit, average, min, max }: Series, isWide: boolean): string[] {
  const newest = average.findLast(value => value !== null) ?? null
  const known = (values: readonly (number | null)[]) => values.filter(value => value !== null)
  const words = (value: number | null) => (value === null ? '-' : valueText(value, unit))
  if (!isWide) return [words(newest)]
  return [words(newest), words(Math.min(...known(min))), words(Math.max(...known(max)))]
}

function valueText(value: number, unit: Series['unit']): string {
  if (unit === 'percent') return `${Math.round(value)} %`
  if (unit === 'celsius') return `${value.toFixed(1)} °C`
  if (unit === 'bytes-per-second') return `${size(Math.round(value))}/s`
  if (unit === 'seconds') return durationText(value)
  return Number.isInteger(value) ? String(value) : value.toFixed(2)
}

function durationText(seconds: number): string {
  if (Math.abs(seconds) >= 2 * 86_400) return `${Math.floor(seconds / 86_400)} d`
  if (Math.abs(seconds) >= 2 * 3600) return `${Math.floor(seconds / 3600)} h`
  if (Math.abs(seconds) >= 120) return `${Math.floor(seconds / 60)} min`
  return `${seconds.toFixed(1)} s`
}
