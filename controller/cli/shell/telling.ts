/** What a command shows of a task while it goes on: its lines, and a bar for what takes longer; nothing with `--json`. */

import type { Progress } from '../../api/schemas/task.ts'
import { detailMark } from '../../tasks/talk.ts'
import { ProgressBar } from '../../views/progress-bar.ts'
import type { GlobalOptions } from './options.ts'
import { note } from './output.ts'

export interface TellingOptions extends GlobalOptions {
  /** Also what builders say. */
  readonly details?: boolean
}

export class Telling {
  readonly #options: TellingOptions
  readonly #bar: ProgressBar | undefined

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

  end(): void {
    this.#bar?.clear()
  }
}
