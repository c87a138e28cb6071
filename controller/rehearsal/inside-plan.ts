/** What the program inside is told, in a file, and what it says, in lines. */

import { z } from 'zod'
import { errorSchema } from '../api/schemas/error.ts'
import { rehearsalPlanSchema, rehearsalStepSchema } from '../api/schemas/rehearsal.ts'

export const insideSchema = z.strictObject({
  plan: rehearsalPlanSchema,
  /** The folder that all of the trial is in. */
  directory: z.string().startsWith('/'),
  /** The directory to boot from; null for this computer's own programs. */
  base: z.string().startsWith('/').nullable(),
  /** The file of this program that Node runs. */
  main: z.string().startsWith('/'),
  /** The name of the machine's control group. */
  group: z.string(),
  /** How long the trial may take; null for what is ample for its machine. */
  seconds: z.number().positive().nullable(),
})

/** A step, a line for who watches, or why there is no verdict. */
export const insideLineSchema = z.union([
  rehearsalStepSchema,
  z.strictObject({ note: z.string().max(1000) }),
  errorSchema,
])
