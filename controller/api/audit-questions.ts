/** What the API answers about what was done on a device: its witnessed log, its recorded sessions, what its screens have shown. */

import { z } from 'zod'
import { question } from './question.ts'
import { auditSchema } from './schemas/audit.ts'
import { recordingSchema, recordingsSchema } from './schemas/recordings.ts'
import { snapshotsOptions, snapshotsSchema } from './schemas/snapshots.ts'

const name = z.string().max(200)

const audit = question(
  {
    path: '/v1/devices/{device}/audit',
    summary: 'The witnessed log of a device, held against all that the device has signed',
    options: z.strictObject({
      device: name,
      lines: z.int().min(1).max(10_000).default(50),
      verify: z.boolean().default(false),
      bytes: z.boolean().default(false),
      /** Seconds to try to reach the device. */
      wait: z.number().min(0).max(86_400).default(15),
    }),
    answer: auditSchema,
  },
  async () => {
    const { queryAudit } = await import('../queries/audit.ts')
    return { query: queryAudit, text: (await import('../views/audit.ts')).auditText }
  },
)

const recordings = question(
  {
    path: '/v1/devices/{device}/recordings',
    summary: 'The sessions that a device has recorded, the newest first',
    options: z.strictObject({
      device: name,
      /** Seconds to try to reach the device. */
      wait: z.number().min(0).max(86_400).default(15),
    }),
    answer: recordingsSchema,
  },
  async () => {
    const { queryRecordings } = await import('../queries/recordings.ts')
    return { query: queryRecordings, text: (await import('../views/recordings.ts')).recordingsText }
  },
)

const recording = question(
  {
    path: '/v1/devices/{device}/recordings/{id}',
    summary: 'A recorded session as an asciicast, opened with the key of this controller',
    options: z.strictObject({
      device: name,
      /** How the ID of the recording begins. */
      id: z.string().regex(/^[0-9a-f]{1,12}$/, { error: 'expected the ID of a recording, or how it begins' }),
      /** Seconds to try to reach the device. */
      wait: z.number().min(0).max(86_400).default(15),
    }),
    answer: recordingSchema,
  },
  async () => {
    const { queryRecording } = await import('../queries/recordings.ts')
    // Commands play it, or write it to a file.
    return { query: queryRecording, text: () => '' }
  },
)

const snapshots = question(
  {
    path: '/v1/devices/{device}/snapshots',
    summary:
      'The newest snapshots of screens of a device that are here: an outbox has brought them, or the page has asked',
    options: snapshotsOptions,
    answer: snapshotsSchema,
  },
  async () => {
    const { querySnapshots } = await import('../queries/snapshots.ts')
    return { query: querySnapshots, text: (await import('../views/snapshots.ts')).snapshotsText }
  },
)

export const auditQuestions = { audit, recordings, recording, snapshots }
