/** Founding a fleet: keys, first metadata, the controller's own membership, and a project that builds at once. */

import { access, constants, mkdir, readdir, writeFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { exists } from '../../node/files/missing.ts'
import { parseSettings, type SettingsInput } from '../../node/settings/settings.ts'
import { fleetStateOf, openState } from '../../node/state/peer-state.ts'
import { HintedError, messageOf } from '../../protocol/errors.ts'
import { formatNixPublicKey } from '../../protocol/nix/signature.ts'
import { foundFleet } from '../../protocol/trust/publish.ts'
import { newSeal } from '../keys/key-file.ts'
import { newKeys, signersOf } from '../keys/operator-keys.ts'
import { git, runGit } from '../project/git.ts'
import type { ProjectFile } from '../project/schemas.ts'
import { flakeFile, sampleFiles } from '../project/template.ts'
import { ownCertificate } from './certificate.ts'
import { FleetHome } from './fleet-home.ts'

export class CreateFleetError extends HintedError<'exists' | 'not-writable'> {}

export interface CreateFleetOptions {
  directory: string
  /** The fleet's name. */
  name: string
  /** The operator's name, as the controller's certificate will have it. */
  operator: string
  bootstrap: string[]
  settings: Omit<SettingsInput, 'state'>
  /** The passphrase that seals the signing keys, asked for when all else is right. Without it they stay unsealed. */
  passphrase?: () => Promise<string>
}

export interface CreatedFleet {
  readonly fleet: string
  readonly home: string
  readonly directory: string
  readonly written: string[]
}

/** Founds a fleet. Throws a CreateFleetError, and nothing was written, when the folder holds a project or can't hold one. */
export async function createFleet(options: CreateFleetOptions): Promise<CreatedFleet> {
  const directory = resolve(options.directory)
  if (await exists(join(directory, 'thymesh.json'))) {
    throw new CreateFleetError('exists', `${directory} already has a project (thymesh.json)`, {
      hint: 'Choose another directory, or go on with `thymesh deploy` there.',
    })
  }
  await checkSetting(options, directory)
  const passphrase = await options.passphrase?.()
  const keys = newKeys(`${options.name}-1`)
  const signers = signersOf(keys)
  const now = new Date()
  const published = foundFleet({
    name: options.name,
    nixPublicKeys: [formatNixPublicKey(keys.nix)],
    keys: signers,
    now,
    operator: options.operator,
  })
  const { fleet } = published
  const home = new FleetHome(fleet)
  await home.writeSettings(options.settings)
  await home.operatorKeys.write(keys, passphrase === undefined ? undefined : newSeal(passphrase))
  await home.operatorKeys.noteOperator(options.operator)
  const state = await openState(await home.settings())
  try {
    await ownCertificate(state, { fleet, operator: options.operator, members: async () => [signers.members], now })
    const fleetState = await fleetStateOf(state, fleet)
    await fleetState.publish(published)
  } finally {
    await state.database.close()
  }
  const written = await writeProject(directory, { fleet, name: options.name, bootstrap: options.bootstrap })
  return { fleet, home: home.directory, directory, written }
}

/** Finds what would stop the founding half-way, before anything is written. */
async function checkSetting(options: CreateFleetOptions, directory: string): Promise<void> {
  parseSettings({ ...options.settings, state: '/' }, 'settings')
  await git('/', ['--version'])
  try {
    // A slash at its end: what is there must be a folder.
    await access(`${await nearestThere(directory)}/`, constants.W_OK)
  } catch (thrown) {
    throw new CreateFleetError('not-writable', `expected a writable folder for the project: ${messageOf(thrown)}`, {
      hint: 'Choose another directory for the project.',
    })
  }
}

/** The path itself, or what it would be made in. */
async function nearestThere(path: string): Promise<string> {
  return (await exists(path)) ? path : await nearestThere(dirname(path))
}

/** Writes the missing files of a project, and commits them. Existing files stay as they are. */
async function writeProject(directory: string, project: ProjectFile): Promise<string[]> {
  await mkdir(directory, { recursive: true })
  const isNew = (await readdir(directory)).filter(name => name !== '.git').length === 0
  const files: Record<string, string> = {
    'thymesh.json': `${JSON.stringify(project, null, 2)}\n`,
    'flake.nix': flakeFile(project.name),
    ...(isNew && sampleFiles()),
  }
  const written: string[] = []
  for (const [name, text] of Object.entries(files)) {
    const file = join(directory, name)
    if (await exists(file)) continue
    await mkdir(dirname(file), { recursive: true })
    await writeFile(file, text)
    written.push(name)
  }
  if (!(await isTracked(directory))) await git(directory, ['init', '--quiet', '--initial-branch=main'])
  await git(directory, ['add', '--', ...written])
  await git(directory, [
    ...(await committer(directory)),
    'commit',
    '--quiet',
    '-m',
    'Start the fleet',
    '--',
    ...written,
  ])
  return written
}

/** Whether a repository has the folder or would take it: one inside another would be lost to the outer one. */
async function isTracked(directory: string): Promise<boolean> {
  const inside = await runGit(directory, ['rev-parse', '--is-inside-work-tree'])
  if (inside.code !== 0 || inside.stdout.trim() !== 'true') return false
  return (await runGit(directory, ['check-ignore', '--quiet', '.'])).code !== 0
}

/** A fresh machine has no Git identity yet; the first commit must not fail for that. */
async function committer(directory: string): Promise<string[]> {
  const known = await git(directory, ['config', 'user.email']).then(
    lines => lines.length > 0,
    () => false,
  )
  return known ? [] : ['-c', 'user.name=thymesh init', '-c', 'user.email=thymesh@localhost']
}
