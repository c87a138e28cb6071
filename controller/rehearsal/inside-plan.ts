/** What the program inside is told, in a file. */

import { z } from 'zod'
import { rehearsalPlanSchema } from '../api/schemas/rehearsal.ts'

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
  /** How long the trial may take. */
  seconds: z.number().positive(),
})
