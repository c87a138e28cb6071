/** Tasks: long work of a controller, as the API shows it and as its state keeps it. */

import { z } from 'zod'
import { errorSchema } from './error.ts'

/** How far a step is. Bytes, or a number of things. */
const progressSchema = z.object({
  step: z.string(),
  done: z.number(),
  of: z.number(),
  unit: z.enum(['bytes', 'items']),
  /** Seconds that are left at the rate of the last while; missing before it is known. */
  left: z.number().optional(),
})
export type Progress = z.infer<typeof progressSchema>

/** A part of the work, one after the other. */
const stepSchema = z.object({
  name: z.string(),
  state: z.enum(['running', 'done', 'failed']),
  started: z.string(),
  ended: z.string().nullable(),
})

/** What Nix does now: configs, their derivations and downloads, as a tree by `parent`. */
const activitySchema = z.object({
  id: z.string(),
  parent: z.string().nullable(),
  name: z.string(),
  kind: z.enum(['config', 'build', 'transfer']),
  /** Of a build, such as `unpackPhase`. */
  phase: z.string().nullable(),
  /** Bytes of a transfer, derivations of a config. */
  done: z.number(),
  of: z.number(),
  started: z.string(),
})
export type TaskActivity = z.infer<typeof activitySchema>

export const taskSchema = z.object({
  /** Later tasks have higher ones. */
  id: z.string().regex(/^[0-9a-z]{9}-[0-9a-f]{8}$/),
  /** What was ordered, such as `deploy`. */
  kind: z.string(),
  /** The order without secrets. */
  options: z.record(z.string(), z.unknown()),
  /** `interrupted`: its process ended before it did. */
  state: z.enum(['running', 'done', 'failed', 'cancelled', 'interrupted']),
  started: z.string(),
  ended: z.string().nullable(),
  /** What it does now; null between steps and at the end. */
  progress: progressSchema.nullable(),
  /** Missing in records of the version before. */
  steps: z.array(stepSchema).default([]),
  /** Empty at the end. */
  activities: z.array(activitySchema).default([]),
  /** The size of its output so far. */
  outputBytes: z.int(),
  /** What the order came to; null unless it is done. */
  result: z.record(z.string(), z.unknown()).nullable(),
  error: errorSchema.shape.error.nullable(),
  /** The task that this one tries again. */
  retries: z.string().nullable(),
})
export type Task = z.infer<typeof taskSchema>

export const tasksSchema = z.object({
  tasks: z.array(taskSchema),
  /** What `after` continues with; missing at the end of the list. */
  next: z.string().optional(),
})
