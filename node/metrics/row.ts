/** Rows of the rings as bytes: a period and its values, with a checksum. */

import { crc32 } from 'node:zlib'
import { columns } from './limits.ts'

/** Values of one period, by column; NaN where nothing was measured. */
export interface Row {
  /** The time since 1970 in steps of the ring. */
  readonly period: number
  readonly average: Float32Array
  readonly min: Float32Array
  readonly max: Float32Array
}

/** A row of minutes has one value for each column; the others have average, lowest and highest value. */
export type RowKind = 'single' | 'range'

const headBytes = 8
const valueBytes = { single: 4, range: 8 } as const

export function rowBytes(kind: RowKind): number {
  return headBytes + columns * valueBytes[kind]
}

export function emptyRow(period: number): Row {
  const nothing = () => new Float32Array(columns).fill(Number.NaN)
  return { period, average: nothing(), min: nothing(), max: nothing() }
}

/** Period, CRC-32 of all but itself, then the values, all little-endian. */
export function writeRow(kind: RowKind, row: Row, into: Uint8Array): void {
  const view = viewOf(into)
  view.setUint32(0, row.period, true)
  for (let column = 0; column < columns; column++) {
    const at = headBytes + column * valueBytes[kind]
    view.setFloat32(at, row.average[column] ?? Number.NaN, true)
    if (kind === 'single') continue
    view.setUint16(at + 4, upperHalf(row.min[column] ?? Number.NaN), true)
    view.setUint16(at + 6, upperHalf(row.max[column] ?? Number.NaN), true)
  }
  view.setUint32(4, checksum(into), true)
}

/** Undefined for a place that nothing was written to, or something else than a row. */
export function readRow(kind: RowKind, bytes: Uint8Array): Row | undefined {
  const view = viewOf(bytes)
  const period = view.getUint32(0, true)
  if (period === 0 || view.getUint32(4, true) !== checksum(bytes)) return undefined
  const row = emptyRow(period)
  for (let column = 0; column < columns; column++) {
    const at = headBytes + column * valueBytes[kind]
    const average = finite(view.getFloat32(at, true))
    row.average[column] = average
    row.min[column] = kind === 'single' ? average : finite(fromUpperHalf(view.getUint16(at + 4, true)))
    row.max[column] = kind === 'single' ? average : finite(fromUpperHalf(view.getUint16(at + 6, true)))
  }
  return row
}

/** One row out of those of finer steps. */
export function combined(period: number, rows: readonly Row[]): Row {
  const row = emptyRow(period)
  for (let column = 0; column < columns; column++) {
    const measured = rows.filter(each => !Number.isNaN(each.average[column]))
    if (measured.length === 0) continue
    const of = (values: (row: Row) => Float32Array) => measured.map(each => values(each)[column] ?? Number.NaN)
    row.average[column] = of(({ average }) => average).reduce((sum, value) => sum + value, 0) / measured.length
    row.min[column] = Math.min(...of(({ min }) => min))
    row.max[column] = Math.max(...of(({ max }) => max))
  }
  return row
}

function checksum(bytes: Uint8Array): number {
  return crc32(bytes.subarray(headBytes), crc32(bytes.subarray(0, 4)))
}

function finite(value: number): number {
  return Number.isFinite(value) ? value : Number.NaN
}

const scratch = new DataView(new ArrayBuffer(4))

/** The first two bytes of a float, rounded: seven bits of mantissa are enough for the lowest and the highest value. */
function upperHalf(value: number): number {
  scratch.setFloat32(0, value)
  const bits = scratch.getUint32(0)
  return Number.isNaN(value) ? bits >>> 16 : Math.min(0xffff, (bits + 0x8000) >>> 16)
}

function fromUpperHalf(half: number): number {
  scratch.setUint32(0, (half << 16) >>> 0)
  return scratch.getFloat32(0)
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
}
