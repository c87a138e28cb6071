/** Drawing a text that changes: in place on a terminal; elsewhere where it is other than before. */

import { DrawnLines, writeText } from '../../format/terminal.ts'

export class Drawing {
  readonly #lines = new DrawnLines(process.stdout)
  #drawn = ''

  /** Whether a text takes the place of the one before. */
  get isInPlace(): boolean {
    return process.stdout.isTTY
  }

  show(text: string): void {
    if (this.isInPlace) this.#lines.draw(text.split('\n'))
    else if (text !== this.#drawn) writeText('stdout', `${this.#drawn === '' ? '' : '\n'}${text}`)
    this.#drawn = text
  }
}
