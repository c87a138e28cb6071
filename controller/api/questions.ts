/** All that the API answers and that commands which only read ask, by name. */

import { z } from 'zod'
import { limits } from '../../protocol/limits.ts'
import { page, pageOptions } from './page.ts'
import { question } from './question.ts'
import { deviceLogSchema, deviceSchema } from './schemas/device.ts'
import { membersSchema, tokensSchema } from './schemas/members.ts'
import { proposalSchema, proposalsSchema } from './schemas/proposals.ts'
import { releasedSchema, releasesSchema } from './schemas/releases.ts'
import { progressOfReleaseSchema, rolloutSchema } from './schemas/rollout.ts'
import { devicesSchema, statusSchema } from './schemas/status.ts'
import { logSchema, rootSchema, sitesSchema } from './schemas/trust.ts'

const name = z.string().max(200)
const none = z.strictObject({})
const pages = z.strictObject(pageOptions)

const status = question(
  { path: '/v1/status', summary: 'What every device runs, by the newest reports', options: none, answer: statusSchema },
  async () => {
    const { queryStatus } = await import('../queries/status.ts')
    return { query: queryStatus, text: (await import('../views/status.ts')).statusText }
  },
)

const devices = question(
  { path: '/v1/devices', summary: 'The same, the devices alone, in pages', options: pages, answer: devicesSchema },
  async () => {
    const { deviceStatuses } = await import('../queries/device-status.ts')
    return {
      query: async ({ peer }, options) => {
        const { rows, ...rest } = page(deviceStatuses(peer), row => row.peer ?? row.device, options)
        return { devices: rows, ...rest }
      },
      text: ({ devices }) => devices.map(({ device }) => device).join('\n'),
    }
  },
)

const device = question(
  {
    path: '/v1/devices/{name}',
    summary: 'One device: certificate, config, health and release history',
    options: z.strictObject({ name }),
    answer: deviceSchema,
  },
  async () => {
    const { queryDevice } = await import('../queries/device.ts')
    return { query: queryDevice, text: (await import('../views/device.ts')).deviceText }
  },
)

const logs = question(
  {
    path: '/v1/devices/{device}/logs',
    summary: "Lines of a device's journal, or the log of its last failed activation",
    options: z.strictObject({
      device: name,
      unit: z.string().max(300).optional(),
      lines: z.int().min(1).max(limits.logLines).default(100),
      since: z.string().max(40).optional(),
      activation: z.boolean().default(false),
      /** Seconds to try to reach the device. */
      wait: z.number().min(0).max(86_400).default(15),
    }),
    answer: deviceLogSchema,
  },
  async () => {
    const { queryLogs } = await import('../queries/logs.ts')
    return { query: queryLogs, text: (await import('../views/logs.ts')).logsText }
  },
)

const releases = question(
  {
    path: '/v1/releases',
    summary: 'The releases that this controller knows, the newest first, then those of sites',
    options: pages,
    answer: releasesSchema,
  },
  async () => {
    const { queryReleases } = await import('../queries/releases.ts')
    return {
      query: async (session, options) => {
        const all = await queryReleases(session)
        const { rows, ...rest } = page(all, ({ site, version }) => `${site ?? ''}/${version}`, options)
        return { releases: rows, ...rest }
      },
      text: (await import('../views/releases.ts')).releasesText,
    }
  },
)

const released = question(
  {
    path: '/v1/paths',
    summary: "The store paths in each config's closure of a release (the newest, if none is named)",
    options: z.strictObject({ release: z.int().min(1).optional() }),
    answer: releasedSchema,
  },
  async () => {
    const { queryReleased } = await import('../queries/released.ts')
    // `thymesh diff` compares it, and shows that.
    return { query: queryReleased, text: () => '' }
  },
)

const rollout = question(
  {
    path: '/v1/rollout',
    summary: "The waves of the newest release, of the fleet or of a site's own",
    options: z.strictObject({ site: name.optional() }),
    answer: rolloutSchema,
  },
  async () => {
    const { queryRollout } = await import('../queries/rollout.ts')
    return { query: queryRollout, text: (await import('../views/rollout.ts')).rolloutText }
  },
)

const progress = question(
  {
    path: '/v1/releases/{release}/progress',
    summary: 'How far one release is, on all its devices or on those that are awaited',
    options: z.strictObject({
      release: z.int().min(1),
      site: name.optional(),
      waitFor: z.array(name).max(limits.members).default([]),
    }),
    answer: progressOfReleaseSchema,
  },
  async () => {
    const { queryProgress } = await import('../queries/progress.ts')
    // `deploy` and others that watch draw it device by device.
    return { query: queryProgress, text: () => '' }
  },
)

const members = question(
  {
    path: '/v1/members',
    summary: 'Members and revoked members',
    options: pages,
    answer: membersSchema,
  },
  async () => {
    const { queryMembers } = await import('../queries/members.ts')
    return {
      query: async (session, options) => {
        const { members, ...about } = await queryMembers(session)
        const { rows, ...rest } = page(members, row => row.peer, options)
        return { ...about, members: rows, ...rest }
      },
      text: (await import('../views/members.ts')).membersText,
    }
  },
)

const tokens = question(
  { path: '/v1/tokens', summary: 'Join tokens and how they were used', options: none, answer: tokensSchema },
  async () => {
    const { queryTokens } = await import('../queries/tokens.ts')
    return { query: queryTokens, text: (await import('../views/tokens.ts')).tokensText }
  },
)

const proposals = question(
  { path: '/v1/proposals', summary: 'Proposals that lack signatures', options: none, answer: proposalsSchema },
  async () => {
    const { queryProposals } = await import('../queries/proposals.ts')
    return { query: queryProposals, text: (await import('../views/proposals.ts')).proposalsText }
  },
)

const proposal = question(
  {
    path: '/v1/proposal',
    summary: 'One proposal as an operator sees it before signing',
    options: z.strictObject({
      /** A version of a release (SITE/VERSION of a site), root-VERSION, or the beginning of an ID. */
      which: name,
      /** Seconds to wait for it to come. */
      wait: z.number().min(0).max(86_400).default(0),
    }),
    answer: proposalSchema,
  },
  async () => {
    const { showProposal } = await import('../orders/find-proposal.ts')
    return { query: showProposal, text: ({ text }) => text }
  },
)

const root = question(
  { path: '/v1/root', summary: "The roles of the fleet's root", options: none, answer: rootSchema },
  async () => {
    const { queryRoot } = await import('../queries/root.ts')
    return { query: queryRoot, text: (await import('../views/root.ts')).rootText }
  },
)

const sites = question(
  { path: '/v1/sites', summary: 'Sites with operators of their own', options: none, answer: sitesSchema },
  async () => {
    const { querySites } = await import('../queries/sites.ts')
    return { query: querySites, text: (await import('../views/sites.ts')).sitesText }
  },
)

const log = question(
  { path: '/v1/log', summary: 'Who signed what and when, the oldest first', options: pages, answer: logSchema },
  async () => {
    const { queryLog } = await import('../queries/log.ts')
    return {
      query: async (session, options) => {
        const { events } = await queryLog(session)
        const places = events.map((event, place) => ({ event, key: String(place + 1) }))
        const { rows, ...rest } = page(places, ({ key }) => key, options)
        return { events: rows.map(({ event }) => event), ...rest }
      },
      text: (await import('../views/log.ts')).logText,
    }
  },
)

export const questions = {
  ...{ status, devices, device, logs, releases, released, rollout, progress },
  ...{ members, tokens, proposals, proposal, root, sites, log },
}
export type QuestionName = keyof typeof questions
export type QuestionOptions<Name extends QuestionName> = z.input<(typeof questions)[Name]['options']>
export type QuestionAnswer<Name extends QuestionName> = z.output<(typeof questions)[Name]['answer']>
