/** The activator of a daemon, put together: a machine with systemd, or a folder. */

import { join } from 'node:path'
import { ActivationLogs } from '../activation/activation-log.ts'
import { Activator } from '../activation/activator.ts'
import { Journal } from '../activation/journal.ts'
import type { JournalEntry } from '../activation/journal-entry.ts'
import { RootedSystem } from '../activation/rooted-system.ts'
import { SystemdSystem } from '../activation/systemd-system.ts'
import { countReachableMembers } from '../mesh/peers/reachable-members.ts'
import type { MeshPeer } from '../peer/mesh-peer.ts'
import type { Logger } from '../process/log.ts'
import type { Settings } from '../settings/settings.ts'

const rootedPollMs = 20

export interface MakeActivatorInit {
  settings: Pick<Settings, 'state' | 'root'>
  /** A state of the journal at which the daemon stops for ever: tests cut its power there. */
  pauseAt?: string | undefined
}

export function makeActivator(
  { peer, log }: { peer: MeshPeer; log: Logger },
  { settings, pauseAt }: MakeActivatorInit,
): { activator: Activator; logs: ActivationLogs } {
  const directory = join(settings.state, 'activation')
  const { store } = peer
  const { root } = settings
  const system =
    root === undefined
      ? new SystemdSystem({ store, log }, { directory })
      : new RootedSystem({ store, log }, { directory, root })
  const written = async ({ state }: JournalEntry) => {
    if (state !== pauseAt) return
    log.warn({ state }, 'paused, as THYMESH_PAUSE_AT says')
    await new Promise(() => {})
  }
  const journal = new Journal({ log, ...(pauseAt !== undefined && { written }) }, { directory })
  const logs = new ActivationLogs({ directory: join(directory, 'logs') })
  // In a folder no switch can cut the network.
  const contacts = async (signal: AbortSignal) =>
    root === undefined ? await countReachableMembers(peer, signal) : { all: 0, steady: 0 }
  // Nothing settles where nothing is started.
  const init = root === undefined ? { root } : { root, pollMs: rootedPollMs }
  return { activator: new Activator({ system, journal, logs, store, contacts, log }, init), logs }
}
