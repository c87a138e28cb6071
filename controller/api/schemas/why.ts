/** The answer of `thymesh why NAME`: whether a device runs what it should, why not, what to do next, and the facts. */

import { z } from 'zod'
import { deviceFactsSchema } from '../../../node/standing/facts.ts'

const verdictSchema = z.enum([
  'runs',
  'runs-degraded',
  'runs-with-error',
  'no-release',
  'not-named',
  'not-joined',
  'revoked',
  'certificate-ended',
  'no-member',
  'no-report',
  'not-heard',
  'equivocation',
  'first-release',
  'begins',
  'fetching',
  'nobody-has-it',
  'waits-for-uplink',
  'waits-for-wave',
  'held-by-failures',
  'waits-for-window',
  'waits-for-reboot',
  'at-work',
  'on-trial',
  'rolling-back',
  'failed-for-good',
  'tries-again',
])
export type VerdictCode = z.infer<typeof verdictSchema>

export const whySchema = z.object({
  device: z.string(),
  verdict: verdictSchema,
  /** Whether it runs what it should, and well. */
  fine: z.boolean(),
  /** One paragraph. */
  text: z.string(),
  /** What to do; null where nothing has to be done. */
  next: z.string().nullable(),
  facts: deviceFactsSchema,
})
export type Why = z.infer<typeof whySchema>
