/** Takes a machine out of its fleet: no key, no secret and no document of it stays; what runs goes on. */

import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { ThymeshError } from '../../protocol/errors.ts'
import { activationDirectory, Journal } from '../activation/journal.ts'
import { finalStates } from '../activation/journal-entry.ts'
import { exists } from '../files/missing.ts'
import { makeLogger } from '../process/log.ts'
import { runProgram } from '../process/run-program.ts'
import { removeSecrets, secretsLink } from '../secrets/install.ts'
import type { Settings } from '../settings/settings.ts'
import { Database } from '../state/database.ts'

export class LeaveError extends ThymeshError<'daemon-runs' | 'no-member' | 'updating'> {}

const unit = 'thymesh.service'
const stopMs = 90_000

export interface Left {
  /** What was deleted, as paths. */
  readonly removed: string[]
  /** What stays on the machine, in words. */
  readonly left: string[]
}

export interface Leaving extends Pick<Settings, 'state' | 'root' | 'store' | 'join'> {
  /** Whether the daemon is the machine's own, by its unit; another one has its state and what it names, and nothing else. */
  readonly isMachine: boolean
}

/**
 * Stops the machine's own daemon and keeps it from starting, then deletes its state and the plain secrets. Throws a LeaveError
 * where a daemon runs that isn't the machine's own, where an update is at work, or where there is no state.
 */
export async function leaveFleet({ state, root, store, join: joining, isMachine }: Leaving): Promise<Left> {
  if (!(await exists(join(state, 'identity.key')))) {
    throw new LeaveError('no-member', `expected the state of a device in ${state}, found none`, {
      hint: 'Name it with --state DIRECTORY, if the daemon has it elsewhere.',
    })
  }
  await requireNoUpdate(state)
  if (isMachine && (await exists('/run/systemd/system'))) {
    await runProgram('systemctl', ['stop', unit], { timeoutMs: stopMs, lines: 5 })
    // On NixOS, and where a release brings the daemon, the unit is the config's: it can't be disabled, and ends at its next start for want of a token.
    await runProgram('systemctl', ['disable', unit], { timeoutMs: stopMs, lines: 5 })
  }
  await requireFree(state)
  // One may have begun meanwhile; the daemon that would end it is stopped, but its state is still there to start it again.
  await requireNoUpdate(state)
  const removed: string[] = []
  if (isMachine || root !== undefined) {
    await removeSecrets(root)
    removed.push(join(root ?? '/', secretsLink))
  }
  const roots = join(store ?? '/', 'nix/var/nix/gcroots/thymesh')
  if ((isMachine || store !== undefined) && (await exists(roots))) removed.push(roots)
  // The state last: where something fails before, the next try still finds it.
  removed.push(state)
  for (const path of removed) await rm(path, { recursive: true, force: true })
  return {
    removed,
    left: [
      'the system that runs, with its units, files and accounts',
      'the Nix store; `nix-collect-garbage` removes what no generation names',
      ...(isMachine ? ['the package and its settings; remove them with the package manager'] : []),
      ...(joining === undefined ? [] : ['the join token in its settings; delete it, who has it can join']),
    ],
  }
}

/** In the middle of a switch, the guard and the way back are in the state: without it the machine would stay between two systems. */
async function requireNoUpdate(state: string): Promise<void> {
  const entry = await new Journal({ log: makeLogger('silent') }, { directory: activationDirectory(state) }).read()
  if (entry === undefined || entry.state === 'staging' || finalStates.has(entry.state)) return
  throw new LeaveError(
    'updating',
    `expected no update at work, got one to release ${entry.release}, which is ${entry.state}`,
    {
      hint: 'Wait until it has ended (`thymesh status` on the device says so); if the daemon does not run, start it, and it ends the update.',
    },
  )
}

/** A daemon at work would write its state anew. */
async function requireFree(state: string): Promise<void> {
  try {
    await (await Database.open(state)).close()
  } catch (thrown) {
    if (!(thrown instanceof ThymeshError) || thrown.code !== 'in-use') return
    throw new LeaveError('daemon-runs', `expected that no daemon uses ${state}, and one does`, {
      hint: 'Stop it first, then try again.',
      cause: thrown,
    })
  }
}
