/**
 * The questions of read-only commands, by name and options. The controller of the command answers, or one of
 * the same fleet that runs already (`deploy`, `serve`).
 */

import { z } from 'zod'
import { visibleFields } from '../../../protocol/encoding/visible.ts'
import { limits } from '../../../protocol/limits.ts'
import type { Session } from '../../session/session.ts'

/** A command's output: its one JSON object, and its text. */
export interface Answer {
  readonly json: object
  readonly text: string
}

/** The code behind a question, loaded when it is asked: the help and typing errors must not wait for it. */
interface Code<Options, Data> {
  readonly query: (session: Session, options: Options) => Promise<Data>
  /** The JSON object of the data, where that isn't the data itself. */
  readonly json?: (data: Data) => object
  readonly text: (data: Data) => string
}

function question<Schema extends z.ZodType, Data extends object>(
  options: Schema,
  load: () => Promise<Code<z.output<Schema>, Data>>,
) {
  const answer = async (session: Session, given: unknown): Promise<Answer> => {
    const parsed = options.parse(given)
    const { query } = await load()
    return await shown(await query(session, parsed))
  }
  /** Whatever a view takes from the data, now or later, can't steer the terminal. */
  const shown = async (data: Data): Promise<Answer> => {
    const { json, text } = await load()
    return { json: json?.(data) ?? data, text: text(visibleFields(data)) }
  }
  return { options, answer, shown }
}

const name = z.string().max(200)
const none = z.strictObject({})
const logsOptions = z.strictObject({
  device: name,
  unit: z.string().max(300).optional(),
  lines: z.int().min(1).max(limits.logLines),
  since: z.string().max(40).optional(),
  activation: z.boolean(),
  wait: z.number().min(0).max(86_400),
})

export const questions = {
  status: question(none, async () => {
    const { queryStatus, statusJson } = await import('../../queries/status.ts')
    return { query: queryStatus, json: statusJson, text: (await import('../../views/status.ts')).statusText }
  }),
  rollout: question(z.strictObject({ site: name.optional() }), async () => {
    const { queryRollout, rolloutJson } = await import('../../queries/rollout.ts')
    return { query: queryRollout, json: rolloutJson, text: (await import('../../views/rollout.ts')).rolloutText }
  }),
  device: question(z.strictObject({ name }), async () => {
    const { queryDevice } = await import('../../queries/device.ts')
    return { query: queryDevice, text: (await import('../../views/device.ts')).deviceText }
  }),
  logs: question(logsOptions, async () => {
    const { queryLogs } = await import('../../queries/logs.ts')
    return { query: queryLogs, text: (await import('../../views/logs.ts')).logsText }
  }),
  log: question(none, async () => {
    const { queryLog } = await import('../../queries/log.ts')
    return { query: queryLog, text: (await import('../../views/log.ts')).logText }
  }),
  releases: question(none, async () => {
    const { queryReleases } = await import('../../queries/releases.ts')
    return { query: queryReleases, text: (await import('../../views/releases.ts')).releasesText }
  }),
  members: question(none, async () => {
    const { queryMembers } = await import('../../queries/members.ts')
    return { query: queryMembers, text: (await import('../../views/members.ts')).membersText }
  }),
  tokens: question(none, async () => {
    const { queryTokens } = await import('../../queries/tokens.ts')
    return { query: queryTokens, text: (await import('../../views/tokens.ts')).tokensText }
  }),
  proposals: question(none, async () => {
    const { queryProposals } = await import('../../queries/proposals.ts')
    return { query: queryProposals, text: (await import('../../views/proposals.ts')).proposalsText }
  }),
  root: question(none, async () => {
    const { queryRoot } = await import('../../queries/root.ts')
    return { query: queryRoot, text: (await import('../../views/root.ts')).rootText }
  }),
  released: question(z.strictObject({ release: z.int().min(1).optional() }), async () => {
    const { queryReleased } = await import('../../queries/released.ts')
    // `thymesh diff` compares it, and shows that.
    return { query: queryReleased, text: () => '' }
  }),
  sites: question(none, async () => {
    const { querySites } = await import('../../queries/sites.ts')
    return { query: querySites, text: (await import('../../views/sites.ts')).sitesText }
  }),
}
export type QuestionName = keyof typeof questions
export type QuestionOptions<Name extends QuestionName> = z.infer<(typeof questions)[Name]['options']>

/** Answers a question; options that aren't its own are refused by a ZodError. */
export async function answerQuestion(session: Session, name: QuestionName, options: unknown): Promise<Answer> {
  return await questions[name].answer(session, options)
}

export function isQuestion(text: string): text is QuestionName {
  return Object.hasOwn(questions, text)
}
