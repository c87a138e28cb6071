/** What an operator's machine needs, each with the next step: programs, a Nix that it may build with, keys and room. */

import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { exists } from '../../node/files/missing.ts'
import { type Check, well, wrong } from './check.ts'
import { room } from './device-checks.ts'
import type { System } from './system.ts'

export async function laptopChecks(system: System, home: string): Promise<Check[]> {
  return [
    await program(system, 'git', ['--version'], 'releases are made of commits', 'apt-get install git'),
    await program(system, 'ssh', ['-V'], 'thymesh ssh, cp, run and adopt use it', 'apt-get install openssh-client'),
    await building(system),
    await fleets(home),
    ...(await room(system, ['/nix'])),
  ]
}

async function program(
  system: System,
  name: string,
  args: readonly string[],
  why: string,
  install: string,
): Promise<Check> {
  const found = await system.run(name, args)
  const line = found?.text.split('\n')[0]
  if (line !== undefined && line !== '') return well(name, line)
  return wrong(name, `expected the program ${name}, found none: ${why}`, `Install it, for example: ${install}`)
}

/** Nix builds by its daemon, or in a store that this user may write. */
async function building(system: System): Promise<Check> {
  if (await exists(join(system.root, 'nix/var/nix/daemon-socket/socket'))) return well('build', "Nix's daemon builds")
  const store = join(system.root, 'nix/store')
  const may = (await exists(store)) ? await system.mayWrite(store) : await system.mayWrite(system.root)
  if (may) return well('build', 'this user may write the Nix store')
  return wrong(
    'build',
    "expected Nix's daemon, or a store that this user may write; found neither",
    'Install the daemon (apt-get install nix-setup-systemd), or build as root.',
  )
}

async function fleets(home: string): Promise<Check> {
  const folders = await readdir(home).catch(() => [])
  const found = folders.filter(name => /^[0-9a-f]{16}$/.test(name))
  if (found.length > 0)
    return well('fleets', `keys or state of ${found.length} ${found.length === 1 ? 'fleet' : 'fleets'}`)
  return wrong('fleets', 'this user is an operator of no fleet yet', 'Found one: thymesh init DIRECTORY')
}
