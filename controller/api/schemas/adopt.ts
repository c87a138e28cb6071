/** The order that adopts a machine over ssh: its options and what it comes to. */

import { z } from 'zod'
import { nameSchema } from '../../../protocol/encoding/fields.ts'

const path = z.string().startsWith('/').max(4096)

export const adoptOptions = z.strictObject({
  /** The folder of the project, with its whole path. */
  project: path,
  /** As ssh takes it: `user@host`, a name of ssh_config, or `ssh://user@host:port`. */
  destination: z.string().min(1).max(300),
  /** More of ssh's options (`-o`). */
  sshOptions: z.array(z.string().max(500)).max(20).default([]),
  /** The socket of a connection that this user's own ssh has made (ControlPath); without it, ssh connects and asks nobody. */
  control: path.optional(),
  name: nameSchema.optional(),
  config: nameSchema.optional(),
  site: nameSchema.optional(),
  tags: z.array(nameSchema).max(100).default([]),
  /** The .deb, or the folder of it. */
  package: path.optional(),
  nix: z.enum(['apt', 'keep']).default('apt'),
  setClock: z.boolean().default(false),
  /** Take back an adoption that was cut off. */
  undo: z.boolean().default(false),
  /** Where sudo asks for one; no task keeps it. */
  sudoPassword: z
    .string()
    .max(1000)
    .regex(/^[^\r\n]*$/, { error: 'expected one line' })
    .optional(),
})

/** Of the look before: what the plan follows from, and the connection. */
export const adoptPlanOptions = adoptOptions.omit({ undo: true })

/** Of an adoption that is only shown (`--plan`). */
export const adoptPlanSchema = z.object({
  /** What the machine says about itself. */
  facts: z.record(z.string(), z.json()),
  plan: z.object({
    name: z.string(),
    config: z.string(),
    site: z.string().nullable(),
    tags: z.array(z.string()),
    /** Whether devices/NAME.json will be written. */
    declares: z.boolean(),
    /** An adoption that was cut off goes on. */
    resumes: z.boolean(),
    installsNix: z.boolean(),
    setsClock: z.boolean(),
    /** What will be installed; null where it is there already. */
    package: z
      .object({ path: z.string(), name: z.string(), version: z.string(), bytes: z.int(), sha256: z.string() })
      .nullable(),
    steps: z.array(z.string()),
    warnings: z.array(z.string()),
  }),
})
export type AdoptPlan = z.infer<typeof adoptPlanSchema>

export const adoptedSchema = z.object({
  name: z.string(),
  /** The device's peer ID; null where an adoption was undone. */
  peer: z.string().nullable(),
  config: z.string().nullable(),
  site: z.string().nullable(),
  /** Files of the project that were written. */
  written: z.array(z.string()),
  /** Whether it went on with an adoption that was cut off. */
  resumed: z.boolean(),
  undone: z.boolean(),
  seconds: z.number(),
})
export type AdoptedDevice = z.infer<typeof adoptedSchema>
