/** Configs of the project's flake, built with the `nix` program. */

import { mkdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { z } from 'zod'
import { storePathSchema } from '../../protocol/nix/store-path.ts'
import { keptLines } from '../nix/limits.ts'
import { NixActivity } from '../nix/nix-activity.ts'
import {
  BuildError,
  buildLimit,
  commonFlags,
  flakeFlags,
  lastLines,
  nixDirectory,
  runNix,
  storeFlags,
  storeUri,
} from '../nix/nix-program.ts'
import { keepPath } from '../nix/store.ts'
import type { ProjectTree } from '../project/tree.ts'
import { buildHint } from './build-systems.ts'
import { builderProblem } from './builder-problem.ts'

/** Who follows a build, and may end it. */
export interface BuildTalk {
  readonly signal?: AbortSignal | undefined
  /** Called with each line of Nix's: what it is doing, and the lines that a person should see. */
  readonly onActivity?: ((activity: NixActivity, said: readonly string[]) => void) | undefined
}

/** Each build log line comes with its derivation, and progress in numbers. */
const internalJson = ['--log-format', 'internal-json']

/** How Nix reaches the store of a builder. */
export interface NixWay {
  readonly device: string
  /** As `--store` takes it. */
  readonly uri: string
  /** What its program ssh needs. */
  readonly env: NodeJS.ProcessEnv
}

/** The builder is what failed, not what it was to build: another one may do it. */
export class BuilderFailed extends BuildError {}

export interface BuildPlace {
  /** The link to what was built lies here, which keeps it from the garbage collector. */
  readonly rootsDirectory: string
  readonly store?: string | undefined
  /** Where it is built; here, if it is missing. */
  readonly on?: NixWay
}

/**
 * Builds a config's top level and keeps it from the garbage collector by a link in `rootsDirectory`, until that names
 * another one. On a builder all of it is built there and then copied here. Throws a BuildError with Nix's last lines.
 */
export async function buildConfig(
  tree: ProjectTree,
  name: string,
  { rootsDirectory, store, on }: BuildPlace,
  talk: BuildTalk = {},
): Promise<string> {
  await mkdir(rootsDirectory, { recursive: true })
  const attribute = `${await tree.flake(store)}#thymesh.configs.${name}`
  const place =
    on === undefined
      ? ['--out-link', join(rootsDirectory, name), ...storeFlags(store)]
      : ['--no-link', '--store', on.uri, '--eval-store', storeUri(store)]
  const args = ['build', '--json', ...place, ...internalJson, ...(await flakeFlags()), attribute]
  const result = await runTelling(args, tree.directory, on, talk)
  if (result.code !== 0) throw buildFailure(`configs.${name}`, `config ${name}`, result.errors, on)
  const topLevel = builtPath(result.stdout, `config ${name}`)
  if (on !== undefined) {
    await copyHere(topLevel, tree.directory, { on, store }, talk)
    await keepPath(topLevel, rootsDirectory, name, store)
  }
  return topLevel
}

/** The same for an image of a NixOS config, here, with the file that is to be the link. */
export async function buildImage(
  tree: ProjectTree,
  { config, format, link }: { readonly config: string; readonly format: string; readonly link: string },
  talk: BuildTalk = {},
): Promise<string> {
  await mkdir(dirname(link), { recursive: true })
  const below = `images.${config}.${format}`
  const args = ['build', '--json', '--out-link', link, ...internalJson, ...(await flakeFlags())]
  const result = await runTelling(
    [...args, `${await tree.flake(undefined)}#thymesh.${below}`],
    tree.directory,
    undefined,
    talk,
  )
  const what = `the image ${format} of ${config}`
  if (result.code !== 0) throw buildFailure(below, what, result.errors, undefined)
  return builtPath(result.stdout, what)
}

function builtPath(stdout: string, what: string): string {
  const parsed = z
    .array(z.object({ outputs: z.object({ out: storePathSchema }) }))
    .min(1)
    .safeParse(JSON.parse(stdout))
  if (parsed.success) return parsed.data[0]?.outputs.out ?? ''
  throw new BuildError('build-failed', `expected a store path of ${what} from nix build, got none`, {
    hint: 'Compare the version of Nix (nix --version) with those in docs/project.md.',
  })
}

/** Nix ran to its end, and said so. */
interface Told {
  readonly code: number | null
  readonly stdout: string
  readonly errors: string[]
}

async function runTelling(
  args: readonly string[],
  cwd: string,
  on: NixWay | undefined,
  { signal, onActivity }: BuildTalk,
): Promise<Told> {
  const activity = new NixActivity()
  const errors: string[] = []
  const { code, stdout } = await runNix('nix', args, {
    ...{ cwd, limit: buildLimit },
    ...(on && { env: { ...process.env, ...on.env } }),
    ...(signal && { asked: signal }),
    onLine: line => {
      const said = activity.take(line)
      errors.push(...said)
      if (errors.length > keptLines) errors.splice(0, errors.length - keptLines)
      onActivity?.(activity, said)
    },
  })
  return { code, stdout, errors }
}

/** What was built on a device has no signature that this machine's Nix knows: it is this operator who signs it. */
async function copyHere(
  topLevel: string,
  cwd: string,
  { on, store }: { on: NixWay; store: string | undefined },
  talk: BuildTalk,
): Promise<void> {
  const ways = ['--from', on.uri, '--to', storeUri(store), '--no-check-sigs', '--substitute-on-destination']
  const args = ['copy', ...ways, ...internalJson, ...(await commonFlags()), topLevel]
  const { code, errors } = await runTelling(args, cwd, on, talk)
  if (code === 0) return
  const problem = builderProblem(errors)
  const what = `${topLevel}, built on ${on.device}, can't be copied here`
  if (problem !== undefined) throw new BuilderFailed('build-failed', `${what}: ${problem}`, { hint: lookAt(on) })
  throw new BuildError('build-failed', `${what}:\n${lastLines({ errors })}`, {
    hint: 'Nix takes unsigned paths from users that it trusts only: trusted-users in nix.conf. Look at the space in its store, too.',
  })
}

/** `attribute`: of the project's flake, below `thymesh`. */
function buildFailure(attribute: string, what: string, errors: string[], on: NixWay | undefined): BuildError {
  const problem = on && builderProblem(errors)
  if (on !== undefined && problem !== undefined) {
    return new BuilderFailed('build-failed', problem, { hint: lookAt(on) })
  }
  // Nix names the system of the first derivation that it can't give to anybody.
  const system = /^(?:error:)?\s*a '([a-z0-9_]+-linux)' .* is required to build/m.exec(errors.join('\n'))?.[1]
  const where = on === undefined ? '' : ` on ${on.device}`
  if (on !== undefined && system !== undefined) {
    return new BuilderFailed('build-failed', `its Nix doesn't build ${system}`, { hint: lookAt(on) })
  }
  const whole = `The whole log: nix build --override-input thymesh path:${nixDirectory} .#thymesh.${attribute}`
  return new BuildError('build-failed', `${what} can't be built${where}:\n${lastLines({ errors })}`, {
    hint: system === undefined ? `Fix it and commit. ${whole}` : buildHint(system),
  })
}

function lookAt({ device }: NixWay): string {
  return `Look at it: thymesh logs ${device} --unit thymesh-builder.`
}
