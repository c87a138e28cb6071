/** The examples as the project of a fleet under test. */

import { cp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { thisSystem } from '../../nix/workshop.ts'
import type { Fleet } from './fleet.ts'

const repository = resolve(import.meta.dirname, '../../..')
const stub = join(repository, 'test/nix/nixos-stub')

/** The fleet's project becomes this example, or several at once. */
export async function become(fleet: Fleet, ...examples: string[]): Promise<void> {
  for (const folder of ['configs', 'devices', 'modules', 'tags', 'artifacts', 'app', 'packages']) {
    await rm(join(fleet.project, folder), { recursive: true, force: true })
  }
  for (const example of examples) {
    await cp(join(repository, 'examples', example), fleet.project, { recursive: true })
    const flake = await readFile(join(fleet.project, 'flake.nix'), 'utf8')
    // The input that the README says to add; here a stand-in, which needs no network.
    await writeFile(join(fleet.project, 'flake.nix'), flake.replace(/github:NixOS\/nixpkgs\/[^"]*/, `path:${stub}`))
  }
  for (const file of await readdir(join(fleet.project, 'configs'))) {
    const config = JSON.parse(await readFile(join(fleet.project, 'configs', file), 'utf8'))
    if (config.type === undefined) await fleet.write({ [`configs/${file}`]: { ...config, system: thisSystem } })
  }
  await fleet.write({ 'flake.lock': undefined })
  await fleet.commit(examples.join(' and '))
  const { moved } = await fleet.json<{ moved: unknown[] }>('update')
  if (moved.length > 0) await fleet.commit('Lock')
}
