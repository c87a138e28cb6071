/** Configs of the project's flake, built with the `nix` program and kept from its garbage collector. */

import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { storePathSchema } from '../../protocol/nix/store-path.ts'
import {
  BuildError,
  buildLimit,
  flakeFlags,
  flakeOf,
  lastLines,
  nixDirectory,
  runNix,
  storeFlags,
  storeLimit,
} from '../nix/nix-program.ts'
import type { Project } from '../project/project.ts'

/**
 * Builds a config's top level and keeps it from the garbage collector by a link in `rootsDirectory`, until that names
 * another one. Throws a BuildError with Nix's last lines.
 */
export async function buildConfig(
  project: Project,
  name: string,
  rootsDirectory: string,
  store?: string,
): Promise<string> {
  await mkdir(rootsDirectory, { recursive: true })
  const link = join(rootsDirectory, name)
  const attribute = `${flakeOf(project)}#thymesh.configs.${name}`
  const flags = ['--json', '--out-link', link, '--print-build-logs', ...storeFlags(store), ...(await flakeFlags())]
  const result = await runNix('nix', ['build', ...flags, attribute], {
    cwd: project.directory,
    limit: buildLimit,
  })
  if (result.code !== 0) {
    throw new BuildError('build-failed', `config ${name} can't be built:\n${lastLines(result)}`, {
      hint: `Fix it and commit. The whole log: nix build --override-input thymesh path:${nixDirectory} .#thymesh.configs.${name}`,
    })
  }
  const parsed = z
    .array(z.object({ outputs: z.object({ out: storePathSchema }) }))
    .min(1)
    .safeParse(JSON.parse(result.stdout))
  if (!parsed.success) {
    throw new BuildError('build-failed', `expected a store path of config ${name} from nix build, got none`, {
      hint: 'Compare the version of Nix (nix --version) with those in docs/project.md.',
    })
  }
  return parsed.data[0]?.outputs.out ?? ''
}

/** Keeps a path that is in the store from the garbage collector, by a link in a folder. Throws a BuildError. */
export async function keepPath(path: string, rootsDirectory: string, name: string, store?: string): Promise<void> {
  await mkdir(rootsDirectory, { recursive: true })
  const args = [...storeFlags(store), '--add-root', join(rootsDirectory, name), '--indirect', '--realise', path]
  const result = await runNix('nix-store', args, { limit: storeLimit })
  if (result.code !== 0) {
    throw new BuildError('store-failed', `${path} can't be kept from the garbage collector:\n${lastLines(result)}`, {
      hint: `Look at the store and at the rights of ${rootsDirectory}, then try again.`,
    })
  }
}
