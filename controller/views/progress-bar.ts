/** Progress of a task in a line: what it does, a bar, how much of how much, how fast, and the time that is left. */

import { inWords } from '../../node/rollout/decision.ts'
import type { Progress } from '../api/schemas/task.ts'
import { size } from '../format/table.ts'
import { DrawnLines } from '../format/terminal.ts'

/** The rate is that of the last while: an average from the beginning would hide that a line has become slow. */
const rateMs = 5_000
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
  #points: { at: number; done: number }[] = []
  readonly #lines: DrawnLines
  #isDrawn = false
  #saidAt = 0

  constructor(stream: NodeJS.WriteStream = process.stderr, now: () => number = Date.now) {
    this.#stream = stream
    this.#lines = new DrawnLines(stream)
    this.#now = now
  }

  /** In place on a terminal; elsewhere a line every ten seconds. Nothing takes it away. */
  show(progress: Progress | null): void {
    if (progress === null) this.clear()
    else this.#draw(progress, this.#now())
  }

  #draw(progress: Progress, now: number): void {
    const step = `${progress.step.split(':')[0]} ${progress.unit}`
    if (step !== this.#step) this.#begin(step, now)
    this.#points = [...this.#points.filter(({ at }) => now - at <= rateMs), { at: now, done: progress.done }]
    if (now - this.#since < quietMs) return
    if (!this.#stream.isTTY) {
      if (now - this.#saidAt < plainMs) return
      this.#saidAt = now
      this.#lines.write(`  ${progressLine(progress, this.#rate(), Number.POSITIVE_INFINITY)}`)
      return
    }
    const width = (this.#stream.columns || 80) - 1
    this.#lines.draw([progressLine(progress, this.#rate(), width)])
    this.#isDrawn = true
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
    this.#points = []
  }

  /** Per second; nothing before it is known. */
  #rate(): number | undefined {
    const [first] = this.#points
    const last = this.#points.at(-1)
    if (first === undefined || last === undefined || last.at === first.at || last.done <= first.done) return undefined
    return ((last.done - first.done) * 1000) / (last.at - first.at)
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
