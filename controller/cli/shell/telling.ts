/** What a command shows of a task while it goes on: its lines, and a bar for what takes longer; nothing with `--json`. */

import type { Progress, Task } from '../../api/schemas/task.ts'
import { detailMark } from '../../tasks/talk.ts'
import { ProgressBar } from '../../views/progress-bar.ts'
import type { GlobalOptions } from './options.ts'
import { note } from './output.ts'

export interface TellingOptions extends GlobalOptions {
  /** Also what builders say. */
  readonly details?: boolean
}

/** How often the time of a step is drawn. */
const stepMs = 1_000

export class Telling {
  readonly #options: TellingOptions
  readonly #bar: ProgressBar | undefined
  #now: Progress | null = null
  #step: Task['steps'][number] | undefined
  #timer: NodeJS.Timeout | undefined

  constructor(options: TellingOptions) {
    this.#options = options
    this.#bar = options.json ? undefined : new ProgressBar()
  }

  /** Whole lines. */
  output(text: string): void {
    const lines = text.trimEnd().split('\n')
    const shown = this.#options.details ? lines : lines.filter(line => !line.startsWith(detailMark))
    if (shown.length === 0) return
    this.#bar?.clear()
    note(this.#options, shown.join('\n'))
  }

  progress(progress: Progress | null): void {
    this.#bar?.show(progress)
  }

  /** A task as it is now: how far it is, what goes on in it, and where nobody knows that, for how long its step lasts. */
  task({ progress, activities, steps }: Pick<Task, 'progress' | 'activities' | 'steps'>): void {
    this.#now = progress
    this.#step = steps.find(({ state }) => state === 'running')
    this.#bar?.show(progress, activities)
    if (this.#bar === undefined) return
    this.#timer ??= setInterval(() => this.#wait(), stepMs).unref()
  }

  end(): void {
    clearInterval(this.#timer)
    this.#bar?.clear()
  }

  #wait(): void {
    if (this.#now !== null || this.#step === undefined) return
    this.#bar?.wait(this.#step.name, Date.now() - Date.parse(this.#step.started))
  }
}
