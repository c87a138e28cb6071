/** Prometheus' text format 0.0.4 (https://prometheus.io/docs/instrumenting/exposition_formats/), written by hand. */

import type { Sample, SeriesName } from './series.ts'

export type Labels = Readonly<Record<string, string>>

/** One metric with its values. */
export interface Family {
  readonly name: string
  readonly help: string
  readonly type: 'gauge' | 'counter'
  readonly values: readonly (readonly [labels: Labels, value: number])[]
}

export const expositionType = 'text/plain; version=0.0.4; charset=utf-8'

/** Families of one name are joined, as the format demands; those without values are left out. */
export function exposition(families: readonly Family[]): string {
  const lines: string[] = []
  for (const [name, same] of Map.groupBy(families, family => family.name)) {
    const values = same.flatMap(family => family.values)
    const [{ help, type } = { help: '', type: 'gauge' }] = same
    if (values.length === 0) continue
    lines.push(`# HELP ${name} ${escaped(help, false)}`, `# TYPE ${name} ${type}`)
    for (const [labels, value] of values) lines.push(`${name}${labelText(labels)} ${value}`)
  }
  return lines.length === 0 ? '' : `${lines.join('\n')}\n`
}

function labelText(labels: Labels): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escaped(value, true)}"`)
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`
}

function escaped(text: string, quotes: boolean): string {
  const plain = text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')
  return quotes ? plain.replaceAll('"', '\\"') : plain
}

/** What each series is for Prometheus, in base units: percentages are ratios. */
const metrics: {
  readonly [Name in SeriesName]: readonly [name: string, help: string, scale: 'ratio' | 'as it is', labels?: Labels]
} = {
  cpu: ['thymesh_cpu_usage_ratio', 'Busy share of all processors', 'ratio'],
  memory: ['thymesh_memory_usage_ratio', "Share of memory that programs can't get any more", 'ratio'],
  swap: ['thymesh_swap_usage_ratio', 'Used share of the swap space', 'ratio'],
  'pressure-cpu': ['thymesh_pressure_ratio', 'Share of time in which a task waited', 'ratio', { resource: 'cpu' }],
  'pressure-memory': [
    'thymesh_pressure_ratio',
    'Share of time in which a task waited',
    'ratio',
    { resource: 'memory' },
  ],
  'pressure-io': ['thymesh_pressure_ratio', 'Share of time in which a task waited', 'ratio', { resource: 'io' }],
  disk: ['thymesh_disk_usage_ratio', 'Used share of the fullest file system', 'ratio'],
  inodes: ['thymesh_inode_usage_ratio', 'Used share of the inodes of the file system with fewest left', 'ratio'],
  wear: ['thymesh_flash_wear_ratio', 'Used life of the most worn flash memory', 'ratio'],
  temperature: ['thymesh_temperature_celsius', 'Temperature of the hottest sensor', 'as it is'],
  'under-voltage': ['thymesh_under_voltage', 'Whether the supply is too weak', 'as it is'],
  load: ['thymesh_load1', 'Load average of one minute', 'as it is'],
  received: ['thymesh_network_receive_bytes_per_second', 'Rate of all network cards', 'as it is'],
  sent: ['thymesh_network_transmit_bytes_per_second', 'Rate of all network cards', 'as it is'],
  uplink: ['thymesh_uplink_bytes_per_second', 'Rate at which releases come from other sites', 'as it is'],
  'clock-offset': ['thymesh_clock_offset_seconds', 'How far the clocks of neighbours are ahead', 'as it is'],
  peers: ['thymesh_peers', 'Connected members of the mesh', 'as it is'],
  'failed-units': ['thymesh_failed_units', 'Units that systemd calls failed', 'as it is'],
  uptime: ['thymesh_uptime_seconds', 'Time since the start of the machine', 'as it is'],
}

/** The families of a sample, under some labels. */
export function sampleFamilies(sample: Sample, labels: Labels): Family[] {
  return Object.entries(sample).flatMap(([series, value]) => {
    if (!Object.hasOwn(metrics, series) || value === undefined || !Number.isFinite(value)) return []
    const [name, help, scale, more = {}] = metrics[series as SeriesName]
    // A percentage becomes a ratio.
    const scaled = scale === 'ratio' ? value / 100 : value
    return [{ name, help, type: 'gauge', values: [[{ ...labels, ...more }, scaled]] }]
  })
}
