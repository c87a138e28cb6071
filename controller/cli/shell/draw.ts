/** Drawing a text that changes: in place on a terminal; elsewhere where it is other than before. */

import { DrawnLines, writeText } from '../../format/terminal.ts'

export class Drawing {
  readonly #lines = new DrawnLines(process.stdout)
  #drawn = ''

  show(text: string): void {
    if (process.stdout.isTTY) this.#lines.draw(text.split('\n'))
    else if (text !== this.#drawn) writeText('stdout', `${this.#drawn === '' ? '' : '\n'}${text}`)
    this.#drawn = text
  }
}
