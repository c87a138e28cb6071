/** Checks of an update before anything is changed: the machine's system, the target, the release's version. */

import { constants } from 'node:fs'
import { access, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { FailureCode, JournalEntry } from './journal-entry.ts'
import type { WantedSystem } from './wanted-system.ts'

/** Nix systems that a processor runs, its own first. */
const systemsOf: Partial<Record<NodeJS.Architecture, readonly string[]>> = {
  x64: ['x86_64-linux', 'i686-linux'],
  ia32: ['i686-linux'],
  arm64: ['aarch64-linux', 'armv7l-linux', 'armv6l-linux'],
  arm: ['armv7l-linux', 'armv6l-linux'],
  riscv64: ['riscv64-linux'],
}

export interface PreflightFacts {
  /** Where the top level's files lie. */
  realPath: string
  root: string | undefined
  /** The update before this one. */
  last: JournalEntry | undefined
  arch?: NodeJS.Architecture
}

/** Why the update is refused; nothing when it may begin. */
export async function preflight(
  wanted: WantedSystem,
  facts: PreflightFacts,
): Promise<{ code: FailureCode; message: string } | undefined> {
  const { realPath, root, last, arch = process.arch } = facts
  if (wanted.target === 'nixos' && root !== undefined) {
    const message = 'a NixOS system can be activated on the machine itself only, not under a root: remove "root"'
    return { code: 'unsupported', message }
  }
  // A site's releases and the fleet's are counted apart: going from the one to the other is no downgrade.
  if (last?.state === 'committed' && last.site === wanted.site && last.release > wanted.release) {
    const message = `release ${last.release} runs: release ${wanted.release} is older, and no new release names it`
    return { code: 'downgrade', message }
  }
  const fit = systemsOf[arch] ?? []
  const built = (await readFile(join(realPath, 'system'), 'utf8').catch(() => wanted.system)).trim()
  const other = [wanted.system, built].find(system => !fit.includes(system))
  if (other !== undefined) {
    const message = `this machine is ${fit[0] ?? arch}, the release has ${wanted.config} for ${other}`
    return { code: 'wrong-system', message }
  }
  const program = join(realPath, 'bin/switch-to-configuration')
  try {
    await access(program, constants.X_OK)
  } catch {
    return { code: 'switch-failed', message: `${program} can't be run` }
  }
  return undefined
}
