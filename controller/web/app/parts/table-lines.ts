/** How the columns of a table are laid out where there is little room: in one line to three, each of some columns. */

interface Laid {
  readonly title: string
  readonly width: string
  readonly second?: boolean
}

/** Pixels of a row with one line to three. */
const heights = [40, 56, 88]
const gap = 16

/** What has no title, such as buttons, is in the second line, too. */
export function isSecond({ second, title }: Laid): boolean {
  return second === true || title === ''
}

/** The first line, the second one, and what is said to be below them; without those that have nothing. */
export function linesOf<Column extends Laid>(columns: readonly Column[]): Column[][] {
  const isBelow = ({ second, title }: Laid) => second === true && title === ''
  return [
    columns.filter(column => !isSecond(column)),
    columns.filter(column => isSecond(column) && !isBelow(column)),
    columns.filter(isBelow),
  ].filter(({ length }) => length > 0)
}

/** Pixels of a row with so many lines. */
export function heightOf(lines: number): number {
  return heights[lines - 1] ?? gap
}

/** What a column takes of the room that is left over, 0 for a fixed one. */
function shareOf({ width }: Laid): number {
  return Number(/([\d.]+)fr/.exec(width)?.[1] ?? 0)
}

/** The widest column of a second line is cut before all others, or a short word would lose its end for a long name beside it. */
export function giverOf<Column extends Laid>(line: readonly Column[]): Column | undefined {
  return line.reduce<Column | undefined>((best, one) => (best && shareOf(best) > shareOf(one) ? best : one), undefined)
}

/** The least pixels that columns take, with what lies between them. */
export function leastWidth(columns: readonly Laid[]): number {
  return columns.reduce((sum, { width }) => sum + Number(/\d+/.exec(width)?.[0] ?? 0) + gap, 0)
}
