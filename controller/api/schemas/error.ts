/** An error, as the API and `--json` print it. */

import { z } from 'zod'

export const errorSchema = z.object({
  error: z.object({
    /** Stable: docs/troubleshooting.md lists them. */
    code: z.string(),
    message: z.string(),
    /** What to do next. */
    hint: z.string(),
  }),
})
