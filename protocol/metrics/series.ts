/** The series that a device records: their names, and the unit of each. */

export type Unit = 'percent' | 'celsius' | 'bytes-per-second' | 'seconds' | 'count'

/**
 * Each series by its name. Percentages are 0 to 100. A later version may add others: readers take any name, and show a unit
 * for those that they know.
 */
const units = {
  /** Busy time of all processors. */
  cpu: 'percent',
  /** Memory that programs can't get any more. */
  memory: 'percent',
  swap: 'percent',
  /** Time in which some task waited (PSI, `some avg60`). */
  'pressure-cpu': 'percent',
  'pressure-memory': 'percent',
  'pressure-io': 'percent',
  /** Used space of the fullest file system, and used inodes of the one that has fewest left. */
  disk: 'percent',
  inodes: 'percent',
  /** Used life of the most worn eMMC or UFS, in steps of ten. */
  wear: 'percent',
  /** Of the hottest sensor. */
  temperature: 'celsius',
  /** 1 while a Raspberry Pi measures too low a voltage. */
  'under-voltage': 'count',
  /** Average of one minute. */
  load: 'count',
  /** Of all network cards together. */
  received: 'bytes-per-second',
  sent: 'bytes-per-second',
  /** Bytes of releases that came from other sites. */
  uplink: 'bytes-per-second',
  /** How far the clocks of the neighbours are ahead of this one. */
  'clock-offset': 'seconds',
  /** Connected members of the mesh. */
  peers: 'count',
  'failed-units': 'count',
  /** Since the start of the machine. */
  uptime: 'seconds',
} as const satisfies Record<string, Unit>

export type SeriesName = keyof typeof units
export const seriesNames = Object.keys(units) as SeriesName[]

/** Undefined for a series that this version doesn't know. */
export function unitOf(name: string): Unit | undefined {
  return Object.hasOwn(units, name) ? units[name as SeriesName] : undefined
}

/** Values of one moment; what the machine doesn't have is missing. */
export type Sample = { readonly [Name in SeriesName]?: number }

/** The steps of a history in seconds: a minute, a quarter of an hour, two hours. */
export const historySteps = [60, 900, 7200] as const
export type HistoryStep = (typeof historySteps)[number]
