/** Progress of a task in a line: what it does, a bar, how much of how much, how fast, and the time that is left. */

import { inWords } from '../../node/rollout/decision.ts'
import type { Progress, TaskActivity } from '../api/schemas/task.ts'
import { size } from '../format/table.ts'
import { DrawnLines } from '../format/terminal.ts'
import { Rate, stepOf } from '../tasks/rate.ts'
import { activityLines } from './activity-tree.ts'

/** Shorter bars say nothing. */
const leastBar = 8
const mostBar = 30
/** What is over within it needs no bar. */
const quietMs = 1_000
/** Without a terminal there is a line now and then. */
const plainMs = 10_000

export class ProgressBar {
  readonly #stream: NodeJS.WriteStream
  readonly #now: () => number
  #step = ''
  #since = 0
  readonly #rate: Rate
  readonly #lines: DrawnLines
  #isDrawn = false
  #saidAt: number

  constructor(stream: NodeJS.WriteStream = process.stderr, now: () => number = Date.now) {
    this.#stream = stream
    this.#lines = new DrawnLines(stream)
    this.#now = now
    this.#saidAt = now()
    this.#rate = new Rate(now)
  }

  /** In place on a terminal; elsewhere a line every ten seconds. Nothing takes it away. */
  show(progress: Progress | null, activities: readonly TaskActivity[] = []): void {
    if (progress === null) this.clear()
    else this.#draw(progress, activities, this.#now())
  }

  /** A step whose end nobody knows, and which goes on for so long already. */
  wait(step: string, ms: number): void {
    if (ms < quietMs) return
    const line = `${step} …  ${inWords(ms)}`
    if (this.#stream.isTTY) this.#put([line.slice(0, this.#width)])
    else this.#say(line, this.#now())
  }

  get #width(): number {
    return (this.#stream.columns || 80) - 1
  }

  #put(lines: string[]): void {
    this.#lines.draw(lines)
    this.#isDrawn = true
  }

  /** Now and then. */
  #say(line: string, now: number): void {
    if (now - this.#saidAt < plainMs) return
    this.#saidAt = now
    this.#lines.write(`  ${line}`)
  }

  #draw(progress: Progress, activities: readonly TaskActivity[], now: number): void {
    const step = stepOf(progress)
    if (step !== this.#step) this.#begin(step, now)
    const rate = this.#rate.of(progress)
    if (now - this.#since < quietMs) return
    if (!this.#stream.isTTY) this.#say(progressLine(progress, rate, Number.POSITIVE_INFINITY), now)
    else {
      const width = this.#width
      this.#put([progressLine(progress, rate, width), ...activityLines(activities, width, now)])
    }
  }

  /** Makes room for a line of another kind. */
  clear(): void {
    if (this.#isDrawn) this.#lines.draw([])
    this.#isDrawn = false
  }

  #begin(step: string, now: number): void {
    this.#step = step
    this.#since = now
    this.#saidAt = now
  }
}

/** One line of at most so many characters: what does not fit is left out, the bar first, then the rate. */
export function progressLine({ step, done, of, unit }: Progress, rate: number | undefined, width: number): string {
  const inUnit = (count: number) => (unit === 'bytes' ? size(count) : String(Math.round(count)))
  const count = of > 0 ? `${inUnit(done)} of ${inUnit(of)}` : inUnit(done)
  const pace = rate === undefined || unit !== 'bytes' ? [] : [`${size(rate)}/s`]
  const left = rate === undefined || of <= done ? [] : [`${inWords(((of - done) / rate) * 1000)} left`]
  const whole = [count, ...pace, ...left].join(', ')
  const facts = whole.length + leastBar <= width ? whole : count
  const room = width - facts.length - 2
  const name = step.length <= room ? step : `${step.slice(0, Math.max(0, room - 1))}…`
  const bar = of > 0 && Number.isFinite(width) ? barOf(done / of, room - name.length - 3) : ''
  return [name, bar, facts].filter(Boolean).join('  ')
}

function barOf(share: number, room: number): string {
  const length = Math.min(mostBar, room)
  if (length < leastBar) return ''
  const full = Math.round(Math.min(1, Math.max(0, share)) * (length - 2))
  return `[${'#'.repeat(full)}${' '.repeat(length - 2 - full)}]`
}
