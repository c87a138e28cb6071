/** The answers of `thymesh recordings`: what a device has recorded, and one recording, opened. */

import { z } from 'zod'

const recorded = z.object({
  id: z.string(),
  /** The operators whose grants the key had, its fingerprint, and the controller that the session came from. */
  operators: z.array(z.string()),
  fingerprint: z.string(),
  controller: z.string().nullable(),
  /** As whom. */
  user: z.string(),
  /** By the device's clock; null where it had none that it trusts. */
  began: z.string().nullable(),
  /** Null while the session runs, and where the device was cut off in it. */
  seconds: z.int().nullable(),
  /** Of the sealed file. */
  bytes: z.int(),
  /** Why it ended. */
  reason: z.string().nullable(),
})

export const recordingsSchema = z.object({ device: z.string(), recordings: z.array(recorded) })
export type DeviceRecordings = z.infer<typeof recordingsSchema>

export const recordingSchema = z.object({
  device: z.string(),
  recording: recorded,
  /** SHA-256 of the sealed file in hex, as the device's witnessed log says it. */
  sha256: z.string(),
  /** Whether the sealed file is whole. */
  whole: z.boolean(),
  /** An asciicast of version 2: lines of JSON. */
  cast: z.string(),
})
export type DeviceRecording = z.infer<typeof recordingSchema>
