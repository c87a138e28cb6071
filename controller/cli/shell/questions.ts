/**
 * Commands that only read. What each shows is made of a controller at work: that of the command, or one of the same
 * fleet that runs already (`deploy`, `serve`), which is asked by the name and the options here.
 */

import { z } from 'zod'
import { limits } from '../../../protocol/limits.ts'
import type { Session } from '../../session/session.ts'

/** What a command prints: its one JSON object, and its text. */
export interface Shown {
  readonly json: object
  readonly text: string
}
export type Query<Options> = (session: Session, options: Options) => Promise<Shown>

const name = z.string().max(200)
const none = z.strictObject({})

const optionSchemas = {
  status: none,
  rollout: z.strictObject({ site: name.optional() }),
  device: z.strictObject({ name }),
  logs: z.strictObject({
    device: name,
    unit: z.string().max(300).optional(),
    lines: z.int().min(1).max(limits.logLines),
    since: z.string().max(40).optional(),
    activation: z.boolean(),
    wait: z.number().min(0).max(86_400),
  }),
  log: none,
  releases: none,
  members: none,
  tokens: none,
  proposals: none,
  root: none,
  released: z.strictObject({ release: z.int().min(1).optional() }),
  sites: none,
}
export type QueryName = keyof typeof optionSchemas
export type QueryOptions<Name extends QueryName> = z.infer<(typeof optionSchemas)[Name]>

const loaders: { readonly [Name in QueryName]: () => Promise<Query<QueryOptions<Name>>> } = {
  status: async () => (await import('../commands/status.ts')).statusQuery,
  rollout: async () => (await import('../commands/rollout.ts')).rolloutQuery,
  device: async () => (await import('../commands/device.ts')).deviceQuery,
  logs: async () => (await import('../commands/logs.ts')).logsQuery,
  log: async () => (await import('../commands/log.ts')).logQuery,
  releases: async () => (await import('../commands/releases.ts')).releasesQuery,
  members: async () => (await import('../commands/members.ts')).membersQuery,
  tokens: async () => (await import('../commands/tokens.ts')).tokensQuery,
  proposals: async () => (await import('../commands/proposals.ts')).proposalsQuery,
  root: async () => (await import('../commands/root.ts')).rootQuery,
  released: async () => (await import('../../queries/released.ts')).releasedQuery,
  sites: async () => (await import('../commands/site.ts')).sitesQuery,
}

/** Answers a query of this name; options that aren't its own are refused by a ZodError. */
export async function runQuery(session: Session, query: QueryName, options: unknown): Promise<Shown> {
  const load = loaders[query] as () => Promise<Query<object>>
  return await (await load())(session, optionSchemas[query].parse(options))
}

export function isQuery(text: string): text is QueryName {
  return Object.hasOwn(optionSchemas, text)
}
