/** A device's state as the page shows it: shape, tone and word, and whether it is known to hold now. */

import type { DeviceStatus } from '../../../api/schemas/status.ts'
import { words } from '../base/language.svelte.ts'
import type { Shape, Tone } from '../base/tone.ts'

/** An unconnected device says at most this long ago what still counts as now. */
const currentMs = 15 * 60_000
/** Without a newer report for this long, rate and time left are what was. */
const paceMs = 150_000

type State = DeviceStatus['state'] | 'queued-held'

/** Groups that one filters by, and that the overview counts. */
export const stateGroups = ['running', 'updating', 'waiting', 'behind', 'failed', 'unseen'] as const
export type StateGroup = (typeof stateGroups)[number]

const kinds: Readonly<Record<State, readonly [Shape, Tone, StateGroup]>> = {
  running: ['disc', 'good', 'running'],
  fetching: ['half', 'busy', 'updating'],
  preflight: ['half', 'busy', 'updating'],
  activating: ['half', 'busy', 'updating'],
  testing: ['half', 'busy', 'updating'],
  probing: ['half', 'busy', 'updating'],
  confirming: ['half', 'busy', 'updating'],
  committing: ['half', 'busy', 'updating'],
  'rolling-back': ['half', 'warn', 'updating'],
  queued: ['diamond', 'quiet', 'waiting'],
  'queued-held': ['square', 'warn', 'waiting'],
  'awaiting-reboot': ['diamond', 'quiet', 'waiting'],
  waiting: ['diamond', 'quiet', 'waiting'],
  held: ['square', 'warn', 'waiting'],
  outdated: ['up', 'warn', 'behind'],
  'rolled-back': ['triangle', 'bad', 'failed'],
  failed: ['triangle', 'bad', 'failed'],
  unseen: ['ring', 'quiet', 'unseen'],
}

export const stateWords = words(
  {
    states: {
      running: 'running',
      fetching: 'fetching',
      preflight: 'checking',
      activating: 'activating',
      testing: 'testing',
      probing: 'probing',
      confirming: 'confirming',
      committing: 'committing',
      'rolling-back': 'rolling back',
      queued: 'waits for its turn',
      'queued-held': 'held by failures',
      'awaiting-reboot': 'waits to reboot',
      waiting: 'waits for a release',
      held: 'held until confirmed',
      outdated: 'behind',
      'rolled-back': 'rolled back',
      failed: 'failed',
      unseen: 'not seen yet',
    } satisfies Record<State, string> as Record<State, string>,
    was: (state: string) => `was ${state}`,
    groups: {
      running: 'Running',
      updating: 'Updating',
      waiting: 'Waiting',
      behind: 'Behind',
      failed: 'Failed',
      unseen: 'Not seen yet',
    } satisfies Record<StateGroup, string> as Record<StateGroup, string>,
  },
  {
    states: {
      running: 'läuft',
      fetching: 'lädt',
      preflight: 'prüft',
      activating: 'aktiviert',
      testing: 'testet',
      probing: 'misst',
      confirming: 'bestätigt',
      committing: 'übernimmt',
      'rolling-back': 'rollt zurück',
      queued: 'ist noch nicht dran',
      'queued-held': 'von Fehlern angehalten',
      'awaiting-reboot': 'wartet auf den Neustart',
      waiting: 'wartet auf ein Release',
      held: 'wartet auf Bestätigung',
      outdated: 'veraltet',
      'rolled-back': 'zurückgerollt',
      failed: 'fehlgeschlagen',
      unseen: 'nie gesehen',
    },
    was: (state: string) => `zuletzt: ${state}`,
    groups: {
      running: 'Laufen',
      updating: 'Aktualisieren',
      waiting: 'Warten',
      behind: 'Veraltet',
      failed: 'Fehlgeschlagen',
      unseen: 'Nie gesehen',
    },
  },
)

type Row = Pick<DeviceStatus, 'state' | 'turn' | 'lastSeen' | 'device' | 'update'>

function kindOf({ state, turn }: Pick<Row, 'state' | 'turn'>): State {
  const waits = state === 'queued' || state === 'awaiting-reboot'
  return waits && turn?.is === 'held' ? 'queued-held' : state
}

export function groupOf(row: Row): StateGroup {
  return kinds[kindOf(row)][2]
}

/** Whether the row tells what is now: the device is connected to the live controller, or has just reported. */
function isCurrent({ device, lastSeen }: Pick<Row, 'device' | 'lastSeen'>, from: Seen): boolean {
  if (!from.live) return false
  return from.peers.has(device) || (lastSeen !== null && Math.abs(from.now - Date.parse(lastSeen)) < currentMs)
}

export interface Seen {
  readonly now: number
  /** Whether the controller is heard. */
  readonly live: boolean
  /** Names of the members that it is connected to. */
  readonly peers: ReadonlySet<string>
}

export interface Marked {
  readonly shape: Shape
  readonly tone: Tone
  readonly word: string
  readonly old: boolean
}

export function markOf(row: Row, seen: Seen): Marked {
  const kind = kindOf(row)
  const [shape, tone] = kinds[kind]
  const share = shareOf(row)
  const word =
    share === undefined ? stateWords().states[kind] : `${stateWords().states[kind]} ${Math.floor(share * 100)} %`
  // What was never seen isn't old news.
  if (kind === 'unseen' || isCurrent(row, seen)) return { shape, tone, word, old: false }
  return { shape, tone, word: stateWords().was(word), old: true }
}

/** How much of a fetch is here; nothing where nothing is fetched. */
export function shareOf({ state, update }: Pick<Row, 'state' | 'update'>): number | undefined {
  if (state !== 'fetching' || update === null || update.needed === 0) return undefined
  return Math.min(0.99, (update.fromControllers + update.fromNeighbours) / update.needed)
}

/** Bytes in a second, where they are those of now. */
export function paceOf({ update, lastSeen }: Pick<Row, 'update' | 'lastSeen'>, now: number): number | undefined {
  const fresh = lastSeen !== null && Math.abs(now - Date.parse(lastSeen)) < paceMs
  return fresh && update !== null && update.bytesPerSecond > 0 ? update.bytesPerSecond : undefined
}
