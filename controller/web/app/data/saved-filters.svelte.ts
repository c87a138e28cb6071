/** Filters of the list of devices that this browser keeps under a name. */

export interface SavedFilter {
  readonly name: string
  /** As in the address. */
  readonly query: string
}

const kept = 'thymesh.filters'
const maxSaved = 20

/** Whatever stands there: it may be of another version. */
function read(): SavedFilter[] {
  try {
    const list: unknown = JSON.parse(localStorage.getItem(kept) ?? '[]')
    return Array.isArray(list)
      ? list.filter(each => typeof each?.name === 'string' && typeof each?.query === 'string')
      : []
  } catch {
    return []
  }
}

let saved = $state.raw<readonly SavedFilter[]>(read())

function write(next: readonly SavedFilter[]): void {
  saved = next.slice(-maxSaved)
  localStorage.setItem(kept, JSON.stringify(saved))
}

export const savedFilters = {
  get all() {
    return saved
  },
  /** In place of one with the same name. */
  save(filter: SavedFilter): void {
    write([...saved.filter(({ name }) => name !== filter.name), filter])
  },
  remove(name: string): void {
    write(saved.filter(each => each.name !== name))
  },
  clear(): void {
    write([])
  },
}
