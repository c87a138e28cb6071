/**
 * Secrets before the units that need them, without the mesh: a small program installs them at the start of the machine, and
 * gives them to their owners during a switch, once these exist.
 */

import { readlink, realpath } from 'node:fs/promises'
import { join } from 'node:path'
import { isStorePath } from '../../protocol/nix/store-path.ts'
import { writeOwnProgram } from '../files/own-program.ts'
import { AgeIdentities } from '../state/age-identities.ts'
import { DeviceSecrets } from './device-secrets.ts'
import { areInstalled } from './install.ts'
import { SecretError } from './secret-error.ts'

/**
 * Installs what goes with the system that runs or is about to. Resolves to how many files that were; to nothing when
 * secrets are there already, which are the daemon's own then, maybe of an update that is in progress. Throws a SecretError
 * when an owner is missing; all others have their files then.
 */
export async function installSecretsAtBoot(init: {
  state: string
  root: string | undefined
}): Promise<number | undefined> {
  const areThere = await areInstalled(init.root)
  const age = areThere ? undefined : await AgeIdentities.load(join(init.state, 'age.keys'), new Date())
  const fetch = async (hash: Uint8Array): Promise<Uint8Array> => {
    throw new SecretError('secret-unreadable', `nothing is fetched at boot: ${hash.length} bytes`)
  }
  const secrets = new DeviceSecrets({ fetch, identities: () => age?.identities ?? [] }, init)
  const count = areThere ? undefined : await secrets.installFor(await bootedSystem(init.root ?? '/'))
  await secrets.assignOwners()
  return count
}

async function bootedSystem(root: string): Promise<string | undefined> {
  const running = await readlink(join(root, 'run/current-system')).catch(() => undefined)
  if (running !== undefined && isStorePath(running)) return running
  const profile = join(root, 'nix/var/nix/profiles/thymesh')
  return await realpath(profile).catch(() => undefined)
}

/**
 * Writes the program that the unit thymesh-secrets.service starts: it runs what this process is, wherever that lies. The
 * unit can't know it: a portable device has Thymesh from elsewhere.
 */
export async function writeBootProgram(state: string): Promise<string> {
  // The name that the units of configs have had from the first.
  const file = join(state, 'secrets', 'lay')
  await writeOwnProgram(file, 'Installs the secrets at the start of the machine', ['install-secrets', '--state', state])
  return file
}
