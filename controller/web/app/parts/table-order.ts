/** In which order the rows of a table are: numbers by size, texts as people count. */

const collator = new Intl.Collator('en', { numeric: true })

/** The rows as they are where nothing orders them. */
export function sortedBy<Row>(rows: readonly Row[], by: ((row: Row) => string | number) | undefined, down: boolean) {
  if (by === undefined) return rows
  const turn = down ? -1 : 1
  return rows.toSorted((a, b) => {
    const [left, right] = [by(a), by(b)]
    const isNumbers = typeof left === 'number' && typeof right === 'number'
    return (isNumbers ? left - right : collator.compare(String(left), String(right))) * turn
  })
}
