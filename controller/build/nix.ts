/** Configs of the project's flake, built with the `nix` program. */

import { mkdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { z } from 'zod'
import { storePathSchema } from '../../protocol/nix/store-path.ts'
import { keptLines } from '../nix/limits.ts'
import { NixActivity } from '../nix/nix-activity.ts'
import { BuildError, buildLimit, flakeFlags, lastLines, nixDirectory, runNix, storeFlags } from '../nix/nix-program.ts'
import type { ProjectTree } from '../project/tree.ts'
import { buildHint } from './build-systems.ts'

/** Who follows a build, and may end it. */
export interface BuildTalk {
  readonly signal?: AbortSignal | undefined
  /** Called with each line of Nix's: what it is doing, and the lines that a person should see. */
  readonly onActivity?: ((activity: NixActivity, said: readonly string[]) => void) | undefined
}

/** Each build log line comes with its derivation, and progress in numbers. */
const internalJson = ['--log-format', 'internal-json']

/**
 * Builds a config's top level and keeps it from the garbage collector by a link in `rootsDirectory`, until that names
 * another one. Throws a BuildError with Nix's last lines.
 */
export async function buildConfig(
  tree: ProjectTree,
  name: string,
  rootsDirectory: string,
  store?: string,
  talk: BuildTalk = {},
): Promise<string> {
  await mkdir(rootsDirectory, { recursive: true })
  const about = { name, attribute: `configs.${name}`, link: join(rootsDirectory, name) }
  return await buildAttribute(tree, about, store, talk)
}

/** The same for an image of a NixOS config, with the file that is to be the link. */
export async function buildImage(
  tree: ProjectTree,
  { config, format, link }: { readonly config: string; readonly format: string; readonly link: string },
  talk: BuildTalk = {},
): Promise<string> {
  await mkdir(dirname(link), { recursive: true })
  return await buildAttribute(tree, { name: config, attribute: `images.${config}.${format}`, link }, undefined, talk)
}

async function buildAttribute(
  tree: ProjectTree,
  { name, attribute: below, link }: { readonly name: string; readonly attribute: string; readonly link: string },
  store: string | undefined,
  { signal, onActivity }: BuildTalk,
): Promise<string> {
  const attribute = `${await tree.flake(store)}#thymesh.${below}`
  const flags = ['--json', '--out-link', link, ...internalJson, ...storeFlags(store), ...(await flakeFlags())]
  const activity = new NixActivity()
  const errors: string[] = []
  const result = await runNix('nix', ['build', ...flags, attribute], {
    cwd: tree.directory,
    limit: buildLimit,
    ...(signal && { asked: signal }),
    onLine: line => {
      const said = activity.take(line)
      errors.push(...said)
      if (errors.length > keptLines) errors.splice(0, errors.length - keptLines)
      onActivity?.(activity, said)
    },
  })
  if (result.code !== 0) {
    // Nix names the system of the first derivation that it can't give to anybody.
    const system = /^(?:error:)?\s*a '([a-z0-9_]+-linux)' .* is required to build/m.exec(errors.join('\n'))?.[1]
    throw new BuildError('build-failed', `config ${name} can't be built:\n${lastLines({ errors })}`, {
      hint:
        system !== undefined
          ? buildHint(system)
          : `Fix it and commit. The whole log: nix build --override-input thymesh path:${nixDirectory} .#thymesh.${below}`,
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
