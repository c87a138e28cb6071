/** Plain tables for terminals. */

import { visible } from '../../protocol/encoding/visible.ts'

/** Columns padded to their widest cell; a heading line first. Each cell is one line, and others' text in it is visible. */
export function table(heading: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [heading, ...rows.map(row => row.map(cell => visible(cell.replace(/\n +/g, '\n'))))]
  const widths = heading.map((_, column) => Math.max(...all.map(row => row[column]?.length ?? 0)))
  return all
    .map(row =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

const byteUnits = ['B', 'kB', 'MB', 'GB', 'TB']

/** A number of bytes as people say it, in powers of 1000: 314 B, 22.9 kB, 1.2 GB. */
export function size(bytes: number): string {
  let value = bytes
  let unit = 0
  // Where rounding would make it 1000.0 of the smaller unit, the larger one is meant.
  while (value >= (unit === 0 ? 1000 : 999.95) && unit < byteUnits.length - 1) {
    value /= 1000
    unit++
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${byteUnits[unit]}`
}

/** A store path as a person tells them apart: seven characters of its hash, and its name. */
export function shortPath(path: string | null): string {
  if (path === null) return '-'
  const base = path.slice(path.lastIndexOf('/') + 1)
  return `${base.slice(0, 7)}…${base.slice(32)}`
}

/** Digits of a shortened ID: 64 bits and more, so that nobody can make another one that looks the same. */
const shortDigits = 16

/** An ID of a key, proposal, token or peer where a line has no room for all of it; a peer's last digits, since all begin alike. */
export function shortId(id: string): string {
  return id.startsWith('12D3KooW') ? `…${id.slice(-shortDigits)}` : id.slice(0, shortDigits)
}

/** How long ago a time was, in words. */
export function ago(time: string | null, now = Date.now()): string {
  if (time === null) return '-'
  const seconds = Math.round((now - Date.parse(time)) / 1000)
  if (Number.isNaN(seconds)) return '-'
  if (seconds < 60) return `${Math.max(0, seconds)} s ago`
  if (seconds < 3600) return `${Math.round(seconds / 60)} min ago`
  if (seconds < 172_800) return `${Math.round(seconds / 3600)} h ago`
  return `${Math.round(seconds / 86_400)} days ago`
}
