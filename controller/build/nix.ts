/** The project's flake, evaluated and built with the `nix` program. */

import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { describeIssues } from '../../protocol/encoding/cbor.ts'
import { nameSchema, systemSchema, targetSchema } from '../../protocol/encoding/fields.ts'
import { storePathSchema } from '../../protocol/nix/store-path.ts'
import { updatePolicySchema } from '../../protocol/release/update-policy.ts'
import { BuildError, flakeFlags, flakeOf, lastLines, nixDirectory, runNix, storeFlags } from '../nix/nix-program.ts'
import type { Project } from '../project/project.ts'

export { BuildError } from '../nix/nix-program.ts'

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
  const result = await runNix('nix', args, { cwd: project.directory, timeoutMs: evaluationTimeoutMs })
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
  const result = await runNix('nix', ['build', ...flags, attribute], {
    cwd: project.directory,
    timeoutMs: buildTimeoutMs,
  })
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
  const result = await runNix('nix-store', args, { timeoutMs: keepTimeoutMs })
  if (result.code !== 0) {
    throw new BuildError('build-failed', `${path} can't be kept from the garbage collector:\n${lastLines(result)}`)
  }
}
