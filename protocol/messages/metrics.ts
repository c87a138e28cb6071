/** Requests for a device's metrics: their history, or a page in Prometheus' text format. */

import { z } from 'zod'
import { codec, FormatError } from '../encoding/cbor.ts'
import { bytesSchema, nameSchema } from '../encoding/fields.ts'
import { limits } from '../limits.ts'
import { historySteps } from '../metrics/series.ts'

/** Seconds since 1970. */
const secondsSchema = z
  .int()
  .min(0)
  .max(2 ** 32)
const stepSchema = z.literal([...historySteps])

const metricsRequestSchema = z.union([
  z.strictObject({
    history: z.strictObject({
      step: stepSchema,
      from: secondsSchema,
      to: secondsSchema,
      /** All of them, if missing. */
      series: z.array(nameSchema).min(1).max(limits.metricSeries).optional(),
    }),
  }),
  /** A page of the device: its daemon's own (port 0), or of an exporter on its loopback address. */
  z.strictObject({ scrape: z.strictObject({ port: z.int().min(0).max(65_535) }) }),
])
export type MetricsRequest = z.infer<typeof metricsRequestSchema>
export type HistoryRequest = Extract<MetricsRequest, { history: unknown }>['history']
export const metricsRequestCodec = codec<MetricsRequest>('metrics request', 4 * limits.request, metricsRequestSchema)

/** Little-endian 32-bit floats, one for each step; NaN where nothing was measured. */
const floats = bytesSchema(0, 4 * limits.metricPoints)

const historySchema = z.strictObject({
  v: z.literal(1),
  step: stepSchema,
  /** The beginning of the first step. */
  from: secondsSchema,
  points: z.int().min(0).max(limits.metricPoints),
  series: z
    .array(z.strictObject({ name: nameSchema, average: floats, min: floats, max: floats }))
    .max(limits.metricSeries),
})
export const metricsHistoryCodec = codec('metrics history', limits.metricsBytes, historySchema)

/** One series; null where nothing was measured. */
export interface SeriesHistory {
  readonly name: string
  readonly average: readonly (number | null)[]
  readonly min: readonly (number | null)[]
  readonly max: readonly (number | null)[]
}

/** Values at `from`, `from + step`, … in seconds since 1970. */
export interface MetricsHistory {
  readonly step: (typeof historySteps)[number]
  readonly from: number
  readonly series: readonly SeriesHistory[]
}

/** Series as the rings give them; all have the same number of points. */
export interface RawHistory {
  readonly step: (typeof historySteps)[number]
  readonly from: number
  readonly points: number
  readonly series: readonly {
    readonly name: string
    readonly average: Float32Array
    readonly min: Float32Array
    readonly max: Float32Array
  }[]
}

export function encodeHistory({ step, from, points, series }: RawHistory): Uint8Array {
  const columns = series.map(({ name, average, min, max }) => ({
    name,
    average: bytesOf(average),
    min: bytesOf(min),
    max: bytesOf(max),
  }))
  return metricsHistoryCodec.encode({ v: 1, step, from, points, series: columns })
}

/** Throws a FormatError. What is no finite number counts as not measured. */
export function decodeHistory(bytes: Uint8Array): MetricsHistory {
  const { step, from, points, series } = metricsHistoryCodec.decode(bytes)
  const numbers = (column: Uint8Array) => {
    if (column.length === 4 * points) return numbersIn(column)
    throw new FormatError('malformed', `expected ${points} values of a series, got ${column.length / 4}`)
  }
  const columns = series.map(({ name, average, min, max }) => ({
    name,
    average: numbers(average),
    min: numbers(min),
    max: numbers(max),
  }))
  return { step, from, series: columns }
}

function bytesOf(values: Float32Array): Uint8Array {
  const bytes = new Uint8Array(4 * values.length)
  const view = new DataView(bytes.buffer)
  values.forEach((value, at) => {
    view.setFloat32(4 * at, value, true)
  })
  return bytes
}

function numbersIn(bytes: Uint8Array): (number | null)[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  return Array.from({ length: bytes.length / 4 }, (_, at) => {
    const value = view.getFloat32(4 * at, true)
    return Number.isFinite(value) ? value : null
  })
}
