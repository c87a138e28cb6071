/** A rollout's progress on standard error: redrawn in place on a terminal, a line for each change elsewhere. */

import { visible } from '../../protocol/encoding/visible.ts'
import type { Release } from '../../protocol/release/release.ts'
import type { DeviceStatus } from '../api/schemas/status.ts'
import { inOneLine } from '../format/one-line.ts'
import { releaseName } from '../format/release-name.ts'
import { size } from '../format/table.ts'
import { DrawnLines } from '../format/terminal.ts'
import { fetchInWords } from './fetching.ts'

type Versioned = Pick<Release, 'version' | 'site'>

export class RolloutProgress {
  readonly #stream: NodeJS.WriteStream
  readonly #drawn: DrawnLines
  readonly #last = new Map<string, string>()

  constructor(stream: NodeJS.WriteStream = process.stderr) {
    this.#stream = stream
    this.#drawn = new DrawnLines(stream)
  }

  show(rows: readonly DeviceStatus[], release: Versioned): void {
    if (this.#stream.isTTY) this.#drawn.draw(rows.map(row => line(row, release)))
    else this.#append(rows, release)
  }

  /** A line beside the rows, which stay below it where they are redrawn. */
  say(text: string): void {
    if (this.#stream.isTTY) this.#drawn.writeAbove(text)
    else this.#drawn.write(text)
  }

  #append(rows: readonly DeviceStatus[], release: Versioned): void {
    for (const row of rows) {
      const key = `${row.state}/${row.release}/${row.error?.message}/${row.turn?.is}/${row.turn?.wave}`
      if (this.#last.get(row.device) === key) continue
      this.#last.set(row.device, key)
      this.#drawn.write(line(row, release))
    }
  }
}

/** One device in one line: what it does, how far it is, what went wrong. */
function line(row: DeviceStatus, release: Versioned): string {
  return `  ${visible(row.device).padEnd(20)} ${progressText(row, release)}`
}

/** The state of a device's update as one visible line. */
export function progressText(row: DeviceStatus, release: Versioned): string {
  return visible(wordsOn(row, release))
}

function wordsOn(row: DeviceStatus, release: Versioned): string {
  const { update } = row
  const name = releaseName(release)
  // A site's versions and the fleet's say nothing of each other.
  const isOf = (version: number | null | undefined) =>
    version === release.version && row.releaseSite === (release.site ?? null)
  const called = (version: number | null) =>
    version === null ? '-' : releaseName({ site: row.releaseSite ?? undefined, version })
  const sources = update
    ? `${size(update.fromControllers)} from controllers, ${size(update.fromNeighbours)} from neighbours`
    : ''
  switch (row.state) {
    case 'unseen':
      return 'not seen yet'
    case 'waiting':
      return 'waits for its first release'
    case 'fetching':
      return update?.needed ? fetchInWords(update) : 'fetching'
    case 'queued':
    case 'awaiting-reboot':
      return `wave ${row.turn?.wave ?? '-'} ${row.turn?.is === 'held' ? 'is held' : 'waits'}: ${row.turn?.reason ?? '-'}`
    case 'activating':
    case 'preflight':
    case 'testing':
    case 'probing':
    case 'confirming':
    case 'committing':
      return `${row.state} (${sources})`
    case 'held':
      return 'runs, held: units failed; not what the next boot brings'
    case 'rolling-back':
      return `rolling back: ${row.error ? inOneLine(row.error.message) : 'no reason given'}`
    case 'failed':
    case 'rolled-back':
      if (!isOf(row.wanted)) return `failed with release ${called(row.wanted)}, has not heard of ${name} yet`
      return `${row.state === 'failed' ? 'failed' : 'rolled back'}: ${row.error ? inOneLine(row.error.message) : 'no reason given'}`
    case 'running':
      if (!isOf(row.release)) return `runs release ${called(row.release)}, has not heard of ${name} yet`
      return update && isOf(update.release)
        ? `runs release ${name} after ${(update.milliseconds / 1000).toFixed(1)} s (${sources})`
        : `runs release ${name} (nothing had to change)`
    default:
      return `runs release ${called(row.release)}, has not heard of ${name} yet`
  }
}
