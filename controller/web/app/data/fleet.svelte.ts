/** What the page knows of the fleet: a snapshot, and each event since. All views read from here. */

import type { DeviceStatus, FleetStatus } from '../../../api/schemas/status.ts'
import type { Task } from '../../../api/schemas/task.ts'
import { client, type Failure, failureOf } from './client.ts'
import type { LinkEvent } from './link.ts'
import { beyond } from './snapshot.ts'

type About = Omit<FleetStatus, 'devices'>

/** Events that change more rows than they say are answered by reading all again, no oftener than this. */
const againMs = 1000
const maxTasks = 200

let about = $state.raw<About | undefined>(undefined)
let rows = $state.raw<readonly DeviceStatus[]>([])
let tasks = $state.raw<readonly Task[]>([])
let failure = $state.raw<Failure | undefined>(undefined)
let loadedAt = $state(0)
let reached: string | undefined

/** In the order of the names. */
const devices = new Map<string, DeviceStatus>()
const listeners = new Set<(kinds: ReadonlySet<string>) => void>()
/** Events that come while the snapshot is under way. */
let waiting: LinkEvent[] | undefined
/** Counts loads: of two at a time the later one counts. */
let loads = 0
let reload: ReturnType<typeof setTimeout> | undefined

export const fleet = {
  /** Nothing before the first answer. */
  get about() {
    return about
  },
  /** By name. */
  get devices() {
    return rows
  },
  /** The newest first. */
  get tasks() {
    return tasks
  },
  get failure() {
    return failure
  },
  /** When the snapshot was read; 0 before the first one. */
  get loadedAt() {
    return loadedAt
  },

  /** The ID of the last event that the snapshot contains. */
  get reached() {
    return reached
  },

  /** Reads all again. */
  async load(): Promise<void> {
    clearTimeout(reload)
    reload = undefined
    waiting ??= []
    const load = ++loads
    try {
      const [{ answer: status, last }, listed] = await Promise.all([
        client.getWithEvent<FleetStatus>('/v1/status'),
        client.get<{ tasks: Task[] }>(`/v1/tasks?limit=${maxTasks}`),
      ])
      if (load !== loads) return
      const { devices: read, ...rest } = status
      devices.clear()
      // They come in the order of their names.
      for (const row of read) devices.set(keyOf(row), row)
      rows = read
      about = rest
      tasks = listed.tasks
      failure = undefined
      loadedAt = Date.now()
      reached = last
      goOn(last)
    } catch (thrown) {
      if (load !== loads) return
      failure = failureOf(thrown)
      goOn()
    }
  },

  take(events: readonly LinkEvent[]): void {
    if (waiting === undefined) take(events)
    else waiting.push(...events)
  },

  /** Is told the kinds of each batch of events; gives what ends it. */
  listen(listener: (kinds: ReadonlySet<string>) => void): () => void {
    listeners.add(listener)
    return () => listeners.delete(listener)
  },
}

/** After a snapshot that contains the events up to this one; after none, if it could not be read. */
function goOn(last?: string): void {
  const since = waiting ?? []
  waiting = undefined
  take(since, last)
}

function take(events: readonly LinkEvent[], last?: string): void {
  if (events.length === 0) return
  const { rows, again, kinds } = beyond(events, last)
  apply(rows)
  if (again === 'now') void fleet.load()
  else if (again === 'soon') reload ??= setTimeout(() => void fleet.load(), againMs)
  for (const listener of listeners) listener(kinds)
}

function apply(events: readonly LinkEvent[]): void {
  const changed: DeviceStatus[] = []
  const told: Task[] = []
  for (const { kind, data } of events) {
    if (kind === 'device') changed.push(data as DeviceStatus)
    else if (kind === 'task') told.push(data as Task)
    else if (kind === 'peers' && about !== undefined) about = { ...about, ...(data as Pick<About, 'peers'>) }
  }
  if (changed.length > 0) applyDevices(changed)
  if (told.length > 0) applyTasks(told)
}

function applyDevices(changed: readonly DeviceStatus[]): void {
  let moved = false
  for (const row of changed) {
    // It was declared before it had a certificate.
    const declared = devices.delete(keyOf({ device: row.device, peer: null }))
    moved ||= declared || devices.get(keyOf(row))?.device !== row.device
    devices.set(keyOf(row), row)
  }
  if (moved) {
    const sorted = [...devices].sort(([, a], [, b]) => order.compare(a.device, b.device))
    devices.clear()
    for (const [key, row] of sorted) devices.set(key, row)
  }
  rows = [...devices.values()]
}

function applyTasks(told: readonly Task[]): void {
  const byId = new Map(tasks.map(task => [task.id, task]))
  for (const task of told) byId.set(task.id, task)
  tasks = [...byId.values()].sort((a, b) => (a.id < b.id ? 1 : -1)).slice(0, maxTasks)
}

const order = new Intl.Collator('en', { numeric: true })

export function keyOf({ device, peer }: Pick<DeviceStatus, 'device' | 'peer'>): string {
  return peer ?? `name ${device}`
}
