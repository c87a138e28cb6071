/** The project's flake, evaluated and built with the `nix` program. */

import { access, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { z } from 'zod'
import { type ProgramResult, runProgram } from '../node/activation/program.ts'
import { outputLines } from '../node/defaults.ts'
import { describeIssues } from '../protocol/cbor.ts'
import { messageOf, ThymeshError } from '../protocol/errors.ts'
import { nameSchema, systemSchema, targetSchema } from '../protocol/fields.ts'
import { storePathSchema } from '../protocol/nix/store-path.ts'
import { updatePolicySchema } from '../protocol/update-policy.ts'
import type { Project } from './project.ts'

export class BuildError extends ThymeshError<'nix-missing' | 'evaluation-failed' | 'build-failed' | 'invalid-fleet'> {}

/** Thymesh's own Nix files: projects are built with those of the program that builds them. */
const nixDirectory = fileURLToPath(new URL('../nix', import.meta.url))

const evaluationTimeoutMs = 10 * 60_000
const buildTimeoutMs = 6 * 3600_000
/** Two links; the store's database may be locked for a while. */
const keepTimeoutMs = 60_000

/** One secret as a config uses it: where the device has it in the clear, in a tmpfs, and for whom. */
const secretUseSchema = z.object({
  name: nameSchema,
  path: z.string().startsWith('/run/thymesh/secrets/'),
  owner: z.string(),
  group: z.string(),
  mode: z.string().regex(/^0[0-7]{3}$/),
  processing: z.enum(['none', 'yescrypt']),
  /** Which kinds of secrets it may be. */
  allowed: z.array(z.enum(['single-line', 'multi-line', 'environment', 'file'])),
})
export type SecretUse = z.infer<typeof secretUseSchema>

const tagsSchema = z.array(nameSchema).default([])

const fleetSchema = z.object({
  configs: z.record(
    nameSchema,
    z.object({
      system: systemSchema,
      target: targetSchema,
      displayName: z.string().optional(),
      description: z.string().optional(),
      type: z.string().optional(),
      tags: tagsSchema,
      secrets: z.array(secretUseSchema).default([]),
      /** Of a device with settings of its own: the config in `configs/` that it came from, and the device. */
      base: nameSchema.optional(),
      device: nameSchema.optional(),
      /** Module name → its settings in force. */
      modules: z.record(z.string(), z.record(z.string(), z.unknown())).default({}),
      policy: updatePolicySchema.optional(),
    }),
  ),
  devices: z.record(
    nameSchema,
    z.object({
      config: nameSchema,
      base: nameSchema.optional(),
      site: nameSchema.nullish(),
      tags: tagsSchema,
      type: z.string().optional(),
      displayName: z.string().optional(),
      description: z.string().optional(),
    }),
  ),
  /** How releases spread, as `rollout.json` says it; `protocol/` knows its schema. */
  rollout: z.unknown().optional(),
})
/** What the project declares, as plain data. */
export type DeclaredFleet = z.infer<typeof fleetSchema>

/** Evaluates the project; `store` is the folder of a store of its own. Throws a BuildError with Nix's last lines. */
export async function evaluateFleet(project: Project, store?: string): Promise<DeclaredFleet> {
  const args = ['eval', '--json', ...storeFlags(store), ...(await flakeFlags()), `${flakeOf(project)}#thymesh.fleet`]
  const result = await nix(args, project, evaluationTimeoutMs)
  if (result.code !== 0) {
    throw new BuildError('evaluation-failed', `the project can't be evaluated:\n${lastLines(result)}`, {
      hint: 'Mend what Nix names, commit, and try again.',
    })
  }
  const parsed = fleetSchema.safeParse(JSON.parse(result.stdout))
  if (parsed.success) return parsed.data
  throw new BuildError('invalid-fleet', `the project declares no valid fleet: ${describeIssues(parsed.error)}`)
}

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
  const result = await nix(['build', ...flags, attribute], project, buildTimeoutMs)
  if (result.code !== 0) {
    throw new BuildError('build-failed', `config ${name} can't be built:\n${lastLines(result)}`, {
      hint: `Mend it and commit. The whole log: nix build --override-input thymesh path:${nixDirectory} .#thymesh.configs.${name}`,
    })
  }
  const parsed = z
    .array(z.object({ outputs: z.object({ out: storePathSchema }) }))
    .min(1)
    .safeParse(JSON.parse(result.stdout))
  if (!parsed.success) throw new BuildError('build-failed', `nix build gave no store path for config ${name}`)
  return parsed.data[0]?.outputs.out ?? ''
}

/** Keeps a path that is in the store from the garbage collector, by a link in a folder. Throws a BuildError. */
export async function keepPath(path: string, rootsDirectory: string, name: string, store?: string): Promise<void> {
  await mkdir(rootsDirectory, { recursive: true })
  const args = [...storeFlags(store), '--add-root', join(rootsDirectory, name), '--indirect', '--realise', path]
  const result = await run('nix-store', args, { timeoutMs: keepTimeoutMs })
  if (result.code !== 0) {
    throw new BuildError('build-failed', `${path} can't be kept from the garbage collector:\n${lastLines(result)}`)
  }
}

/** Nix 2.8 takes a folder that needs escapes for a remote repository, whose branch has to be named. */
function flakeOf(project: Project): string {
  const path = escaped(project.directory)
  return `git+file://${path}${path === project.directory ? '' : '?ref=HEAD'}`
}

function escaped(path: string): string {
  return path.split('/').map(encodeURIComponent).join('/')
}

function storeFlags(store: string | undefined): string[] {
  return store === undefined ? [] : ['--store', `local?root=${escaped(store)}`]
}

/** Flakes as they are in every Nix since 2.4; the lock file is the user's. */
async function flakeFlags(): Promise<string[]> {
  const flags = ['--extra-experimental-features', 'nix-command flakes', '--no-write-lock-file']
  return [...flags, '--override-input', 'thymesh', `path:${nixDirectory}`, ...(await singleUserFlags())]
}

/**
 * As root without a daemon and without Nix's build users (Debian's nix-bin alone), Nix builds as root, which it can't do
 * in its sandbox. With a daemon, that decides.
 */
async function singleUserFlags(): Promise<string[]> {
  if (process.getuid?.() !== 0 || (await exists('/nix/var/nix/daemon-socket/socket'))) return []
  const group = await runProgram('getent', ['group', 'nixbld'], { timeoutMs: 5_000, lines: 1 }).catch(() => undefined)
  return group?.code === 0 ? [] : ['--option', 'build-users-group', '', '--option', 'sandbox', 'false']
}

function nix(args: string[], project: Project, timeoutMs: number): Promise<ProgramResult> {
  return run('nix', args, { cwd: project.directory, timeoutMs })
}

async function run(
  program: string,
  args: string[],
  options: { cwd?: string; timeoutMs: number },
): Promise<ProgramResult> {
  try {
    return await runProgram(program, args, { ...options, lines: outputLines })
  } catch (thrown) {
    if (thrown instanceof Error && 'code' in thrown && thrown.code === 'ENOENT') {
      throw new BuildError('nix-missing', `expected the \`${program}\` program on the PATH, found none`, {
        hint: 'Install Nix: `apt-get install nix-bin`, or see https://nixos.org/download.',
      })
    }
    throw new BuildError('build-failed', messageOf(thrown), { cause: thrown })
  }
}

/** What Nix says of the lock file, which is none of a project's errors: projects are built with our own Nix files. */
const lockFileLines = [
  /^warning: not writing modified lock file/,
  /^warning: .*is untrusted/,
  /^• (Added|Updated|Removed) input/,
  /^\s+(→ )?'\S+' \(\d{4}-\d\d-\d\d\)$/,
  /^\(use '--show-trace'/,
]

function lastLines({ errors }: ProgramResult): string {
  return errors.filter(line => !lockFileLines.some(pattern => pattern.test(line))).join('\n')
}

function exists(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  )
}
