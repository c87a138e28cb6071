/** What of this computer's Nix store the trial's machine has before its first update: Nix and this program, where they are there. */

import { existsSync, mkdirSync, realpathSync } from 'node:fs'
import { join } from 'node:path'
import { runProgram } from '../../node/process/run-program.ts'
import { commonFlags, lastLines, runNix, storeFlags, storeLimit } from '../nix/nix-program.ts'
import { RehearsalError } from './rehearsal-error.ts'
import type { TrialRoot } from './root.ts'

/** The store path that a file is in, if it is in one. */
export function storePathOf(file: string): string | undefined {
  return /^\/nix\/store\/[^/]+/.exec(file)?.[0]
}

/** The store path of the Nix that the machine gets from this computer: none where its root has one in /usr/bin. */
export async function nixFor(base: string | undefined): Promise<string | undefined> {
  if (base !== undefined && existsSync(join(base, 'usr/bin/nix'))) return undefined
  const found = await runProgram('sh', ['-c', 'command -v nix'], { timeoutMs: 10_000, lines: 1 })
  const file = found.stdout.trim()
  return found.code === 0 && existsSync(file) ? storePathOf(realpathSync(file)) : undefined
}

/** Copies store paths with all that they need into the machine's own store, which knows them then. */
export async function copyIntoRoot({ place }: TrialRoot, paths: readonly string[]): Promise<void> {
  if (paths.length === 0) return
  const root = place('/')
  mkdirSync(root, { recursive: true })
  const [, to = ''] = storeFlags(root)
  const flags = [...(await commonFlags()), '--no-check-sigs', '--to', to]
  const result = await runNix('nix', ['copy', ...flags, ...paths], { limit: storeLimit })
  if (result.code === 0) return
  throw new RehearsalError('try-broken', `${paths.join(', ')} can't be copied for the machine:\n${lastLines(result)}`, {
    hint: 'Look at the Nix store of this computer: nix-store --verify. Or name a root that has Nix, with --root DIR.',
  })
}
