/** What the API answers about times other than now: on which days devices were on, and which will fail next. */

import { z } from 'zod'
import { question } from './question.ts'
import { availabilitySchema } from './schemas/availability.ts'
import { risksSchema } from './schemas/risks.ts'

const risks = question(
  {
    path: '/v1/risks',
    summary: 'What is about to fail on which device, the most urgent first',
    options: z.strictObject({}),
    answer: risksSchema,
  },
  async () => {
    const { queryRisks } = await import('../queries/risks.ts')
    return { query: queryRisks, text: (await import('../views/risks.ts')).risksText }
  },
)

const availability = question(
  {
    path: '/v1/availability',
    summary: 'Which part of each of the last days devices in reach were on, by their own measurements',
    options: z.strictObject({
      days: z.int().min(1).max(28).default(14),
      /** So many devices at most are asked. */
      most: z.int().min(1).max(1000).default(100),
    }),
    answer: availabilitySchema,
  },
  async () => {
    const { queryAvailability } = await import('../queries/availability.ts')
    // Only the page shows it.
    return { query: queryAvailability, text: () => '' }
  },
)

export const outlookQuestions = { risks, availability }
