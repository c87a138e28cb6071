/** Whose boots nobody else can call good: a machine's that is no device of a fleet, such as one that has left. */

import { join } from 'node:path'
import { activationDirectory, writeDurably } from '../activation/journal.ts'
import { runDirectory } from '../activation/systemd-system.ts'
import { exists } from '../files/missing.ts'

/**
 * NixOS waits for the daemon's word, and falls back to an older generation after boots without it. Says nothing where an update
 * has ever begun: a daemon that can't read its own membership is a reason to fall back. Whether it was said.
 */
export async function callBootGood(state: string, directory: string = runDirectory): Promise<boolean> {
  // Without its runtime directory it is no daemon of the machine's own.
  if (!(await exists(directory)) || (await exists(join(activationDirectory(state), 'journal')))) return false
  await writeDurably(directory, 'good-boot', '')
  return true
}
