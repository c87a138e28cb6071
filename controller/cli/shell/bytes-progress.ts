/** Progress in bytes on standard error: one line that is redrawn on a terminal, a line for each tenth elsewhere. */

import { size } from '../../format/table.ts'
import { DrawnLines } from '../../format/terminal.ts'
import type { GlobalOptions } from './options.ts'

export class BytesProgress {
  readonly #what: string
  readonly #silent: boolean
  readonly #redraws: boolean
  readonly #lines: DrawnLines
  #shown = -1

  constructor(options: Pick<GlobalOptions, 'json'>, what: string, stream: NodeJS.WriteStream = process.stderr) {
    this.#what = what
    this.#silent = options.json
    this.#redraws = stream.isTTY
    this.#lines = new DrawnLines(stream)
  }

  show(done: number, total: number): void {
    const percent = total === 0 ? 100 : Math.min(100, Math.floor((done / total) * 100))
    const step = this.#redraws ? percent : Math.floor(percent / 10)
    if (this.#silent || step === this.#shown) return
    this.#shown = step
    const text = `${this.#what}: ${percent} % (${size(done)} of ${size(total)})`
    if (this.#redraws) this.#lines.draw([text])
    else this.#lines.write(text)
  }
}
