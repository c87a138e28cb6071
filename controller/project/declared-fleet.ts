/** The fleet that a project declares, as Nix evaluates it (`thymesh.fleet`): configs, devices and rollouts. */

import { z } from 'zod'
import { nameSchema, systemSchema, targetSchema } from '../../protocol/encoding/fields.ts'
import { rebootPolicySchema } from '../../protocol/release/reboot-policy.ts'
import { updatePolicySchema } from '../../protocol/release/update-policy.ts'

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

/** A project says in one place what a release says in two: when devices may reboot is an extension. */
const projectPolicySchema = updatePolicySchema.extend({ reboot: rebootPolicySchema.optional() })

const tagsSchema = z.array(nameSchema).default([])

export const declaredFleetSchema = z.object({
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
      policy: projectPolicySchema.optional(),
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
/** The declared fleet as plain data. */
export type DeclaredFleet = z.infer<typeof declaredFleetSchema>
