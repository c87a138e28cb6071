/** The order of names in answers: as people count, so that `kiosk-2` is before `kiosk-10`. */

export const byName: (a: string, b: string) => number = new Intl.Collator('en', { numeric: true }).compare

/** Names whose places are kept: those of the largest fleets twice, before and after all were renamed. */
const keptNames = 50_000
/** The names that were sorted last: to compare two of them anew costs as much as many numbers. */
let places = new Map<string, number>()

/** Rows in the order of their names; those of one name stay as they are. */
export function sortedByName<Row>(rows: readonly Row[], nameOf: (row: Row) => string): Row[] {
  const names = rows.map(nameOf)
  if (!names.every(name => places.has(name))) {
    const known = places.size + names.length > keptNames ? [] : places.keys()
    places = new Map([...new Set([...known, ...names])].sort(byName).map((name, at) => [name, at]))
  }
  const placed = rows.map((row, at) => ({ row, place: places.get(names[at] ?? '') ?? 0 }))
  return placed.sort((a, b) => a.place - b.place).map(({ row }) => row)
}
