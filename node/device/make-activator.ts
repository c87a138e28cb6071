/** Builds a daemon's activator: for a systemd machine or for a directory. */

import { join } from 'node:path'
import { ActivationLogs } from '../activation/activation-log.ts'
import { Activator } from '../activation/activator.ts'
import { activationDirectory, Journal } from '../activation/journal.ts'
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
  /** A journal state in which the daemon stops permanently: tests simulate a power cut there. */
  pauseAt?: string | undefined
  /** Told of each state that is in the journal. */
  activated?: ((entry: JournalEntry) => Promise<void>) | undefined
}

export function makeActivator(
  { peer, log }: { peer: MeshPeer; log: Logger },
  { settings, pauseAt, activated }: MakeActivatorInit,
): { activator: Activator; logs: ActivationLogs } {
  const directory = activationDirectory(settings.state)
  const { store } = peer
  const { root } = settings
  const system =
    root === undefined
      ? new SystemdSystem({ store, log }, { directory })
      : new RootedSystem({ store, log }, { directory, root })
  const written = async (entry: JournalEntry) => {
    await activated?.(entry)
    const { state } = entry
    if (state !== pauseAt) return
    log.warn({ state }, 'paused, as THYMESH_PAUSE_AT says')
    await new Promise(() => {})
  }
  const journal = new Journal({ log, written }, { directory })
  const logs = new ActivationLogs({ directory: join(directory, 'logs') })
  // A switch in a directory can't affect the network.
  const contacts = async (signal: AbortSignal) =>
    root === undefined ? await countReachableMembers(peer, signal) : { all: 0, steady: 0 }
  // Nothing needs to settle where nothing is started.
  const init = root === undefined ? { root } : { root, pollMs: rootedPollMs }
  return { activator: new Activator({ system, journal, logs, store, contacts, log }, init), logs }
}
