/** Rehearsals (`thymesh try`): what is tried, each step's verdict, and the record that `deploy` may demand. */

import { z } from 'zod'
import { nameSchema, systemSchema, timeSchema, versionSchema } from '../../../protocol/encoding/fields.ts'
import { storePathSchema } from '../../../protocol/nix/store-path.ts'
import { rebootPolicySchema } from '../../../protocol/release/reboot-policy.ts'
import { updatePolicySchema } from '../../../protocol/release/update-policy.ts'

export const rehearsalOptions = z.strictObject({
  project: z.string().startsWith('/').max(4096).optional(),
  config: z.string().min(1).max(200),
  /** The release that the update comes from: the newest that has the config, if missing; `false` for a first install. */
  from: z.union([versionSchema, z.literal(false)]).optional(),
  /** The name that the machine gets: the first device of the config, if missing. */
  device: nameSchema.optional(),
})

export const rehearseOptions = rehearsalOptions.extend({
  /** The directory to boot from, with its whole path: this computer's own programs, if missing. */
  root: z.string().startsWith('/').max(4096).optional(),
  /** The limit of the rehearsal in seconds, after the build; if missing, what is ample for a machine of its kind. */
  seconds: z.number().min(1).max(86_400).optional(),
})

const triedSystemSchema = z.object({
  topLevel: storePathSchema,
  policy: updatePolicySchema.optional(),
  /** Whether its updates reboot the machine; as the target does it, if missing. */
  reboot: rebootPolicySchema.shape.when,
  /** Secrets by the names of their files; they get random values. */
  secrets: z.record(
    z.string().max(200),
    z.object({
      owner: z.string().max(100).optional(),
      group: z.string().max(100).optional(),
      mode: z.string().max(10).optional(),
      type: z.enum(['single-line', 'multi-line', 'environment', 'file']),
      processing: z.enum(['none', 'yescrypt']),
    }),
  ),
})
export type TriedSystem = z.infer<typeof triedSystemSchema>

export const rehearsalPlanSchema = z.object({
  config: nameSchema,
  device: nameSchema,
  system: systemSchema,
  /** The operator's Nix store, if it isn't the machine's. */
  store: z.string().nullable(),
  /** The start script of a NixOS machine in QEMU; null for a portable config, which boots in a container. */
  program: z
    .string()
    .max(4096)
    .regex(/^\/nix\/store\/[^/]+\/bin\/[^/]+$/)
    .nullable()
    // A controller of the version before makes plans for containers only.
    .default(null),
  from: triedSystemSchema.extend({ release: versionSchema }).nullable(),
  next: triedSystemSchema,
})
export type RehearsalPlan = z.infer<typeof rehearsalPlanSchema>

export const rehearsalStepSchema = z.object({
  step: z.enum(['boot', 'join', 'install', 'power cut', 'update', 'reboot', 'roll back']),
  ok: z.boolean(),
  seconds: z.number().min(0),
  /** What was seen, or why it failed. */
  said: z.string().max(8000),
})
export type RehearsalStep = z.infer<typeof rehearsalStepSchema>

export const rehearsedSchema = z.object({
  config: nameSchema,
  device: nameSchema,
  topLevel: storePathSchema,
  /** The release that the update came from. */
  from: z.object({ release: versionSchema, topLevel: storePathSchema }).nullable(),
  verdict: z.enum(['pass', 'fail']),
  seconds: z.number().min(0),
  steps: z.array(rehearsalStepSchema),
})
export type Rehearsed = z.infer<typeof rehearsedSchema>

/** One config that passed, as the operator's folder keeps it. */
export const passedSchema = z.strictObject({
  config: nameSchema,
  topLevel: storePathSchema,
  from: storePathSchema.nullable(),
  at: timeSchema,
})
