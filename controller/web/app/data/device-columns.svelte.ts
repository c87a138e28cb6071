/** Which columns the list of devices has: as people choose them, kept in this browser. */

/** All that there are, in their order; the name is always there. */
export const deviceColumns = [
  ...(['state', 'release', 'wanted', 'config', 'tags', 'site', 'running'] as const),
  ...(['daemon', 'way', 'metadata', 'seen'] as const),
] as const
export type DeviceColumn = (typeof deviceColumns)[number]

/** Where nobody has chosen. */
const usual: readonly DeviceColumn[] = ['state', 'release', 'config', 'site', 'running', 'seen']

const kept = 'thymesh.columns'

/** Whatever stands there: it may be of another version. */
function read(): readonly DeviceColumn[] | undefined {
  try {
    const list: unknown = JSON.parse(localStorage.getItem(kept) ?? 'null')
    return Array.isArray(list) ? deviceColumns.filter(each => list.includes(each)) : undefined
  } catch {
    return undefined
  }
}

let chosen = $state.raw(read())

export const shownColumns = {
  get all(): readonly DeviceColumn[] {
    return chosen ?? usual
  },
  /** Whether somebody has chosen: then none of them is left out for want of room. */
  get chosen(): boolean {
    return chosen !== undefined
  },
  show(column: DeviceColumn, on: boolean): void {
    const before = this.all
    chosen = deviceColumns.filter(each => (each === column ? on : before.includes(each)))
    localStorage.setItem(kept, JSON.stringify(chosen))
  },
  /** The usual ones again. */
  clear(): void {
    chosen = undefined
    localStorage.removeItem(kept)
  },
}
