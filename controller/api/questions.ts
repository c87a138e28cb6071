/** All that the API answers and that commands which only read ask, by name. */

import { z } from 'zod'
import { netChecksSchema, peersSchema } from '../../node/mesh/relay/network-view.ts'
import { limits } from '../../protocol/limits.ts'
import { version } from '../../protocol/version.ts'
import { auditQuestions } from './audit-questions.ts'
import { outlookQuestions } from './outlook-questions.ts'
import { page, pageOptions } from './page.ts'
import { projectQuestions } from './project-questions.ts'
import { question } from './question.ts'
import { releaseQuestions } from './release-questions.ts'
import { rowsWriter } from './row-json.ts'
import { accessSchema, sshTargetsSchema } from './schemas/access.ts'
import { alertsSchema } from './schemas/alerts.ts'
import { deviceLogSchema, deviceSchema } from './schemas/device.ts'
import { membersSchema, tokensSchema } from './schemas/members.ts'
import { metricsSchema } from './schemas/metrics.ts'
import { proposalSchema, proposalsSchema } from './schemas/proposals.ts'
import { devicesSchema, statusSchema } from './schemas/status.ts'
import { supportSchema } from './schemas/support.ts'
import { logSchema, rootSchema, sitesSchema } from './schemas/trust.ts'
import { whySchema } from './schemas/why.ts'

const name = z.string().max(200)
const none = z.strictObject({})
const pages = z.strictObject(pageOptions)

const status = question(
  {
    path: '/v1/status',
    summary: 'What every device runs, by the newest reports',
    options: none,
    answer: statusSchema,
    json: rowsWriter(),
  },
  async () => {
    const { queryStatus } = await import('../queries/status.ts')
    return { query: queryStatus, text: (await import('../views/status.ts')).statusText }
  },
)

const devices = question(
  {
    path: '/v1/devices',
    summary: 'The same, the devices alone, in pages',
    options: pages,
    answer: devicesSchema,
    json: rowsWriter(),
  },
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

const why = question(
  {
    path: '/v1/devices/{name}/why',
    summary: 'Whether a device runs what it should; if not, why, and what to do next',
    options: z.strictObject({ name }),
    answer: whySchema,
  },
  async () => {
    const { queryWhy } = await import('../queries/why.ts')
    return { query: queryWhy, text: (await import('../views/why.ts')).whyText }
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

const support = question(
  {
    path: '/v1/devices/{name}/support',
    summary: 'All that somebody who helps needs to know of a device, without secrets and addresses',
    options: z.strictObject({
      name,
      /** Seconds to try to reach the device. */
      wait: z.number().min(0).max(86_400).default(15),
    }),
    answer: supportSchema,
  },
  async () => {
    const { querySupport } = await import('../queries/support.ts')
    const { supportOf } = await import('../views/support.ts')
    return {
      query: async (session, options) => supportOf(await querySupport(session, options), version),
      text: ({ text }) => text,
    }
  },
)

const metrics = question(
  {
    path: '/v1/devices/{device}/metrics',
    summary: "A device's metrics over a span of time, by default the last day",
    options: z.strictObject({
      device: name,
      since: z.string().max(40).optional(),
      until: z.string().max(40).optional(),
      series: z.array(z.string().max(63)).max(limits.metricSeries).default([]),
      /** Seconds to try to reach the device. */
      wait: z.number().min(0).max(86_400).default(15),
    }),
    answer: metricsSchema,
  },
  async () => {
    const { queryMetrics } = await import('../queries/metrics.ts')
    const { metricsText } = await import('../views/metrics.ts')
    return { query: queryMetrics, text: data => metricsText(data) }
  },
)

const alerts = question(
  {
    path: '/v1/alerts',
    summary: 'Alerts of all devices, as their reports have them, and silences',
    options: z.strictObject({
      /** Those that have ended too. */
      all: z.boolean().default(false),
    }),
    answer: alertsSchema,
  },
  async () => {
    const { queryAlerts } = await import('../queries/alerts.ts')
    const { alertsText } = await import('../views/alerts.ts')
    return { query: queryAlerts, text: data => alertsText(data) }
  },
)

const peers = question(
  {
    path: '/v1/peers',
    summary: "This controller's connections: direct, punched, or by which hub",
    options: none,
    answer: peersSchema,
  },
  async () => {
    const { queryPeers } = await import('../queries/network.ts')
    return { query: queryPeers, text: (await import('../views/network.ts')).peersText }
  },
)

const network = question(
  {
    path: '/v1/network',
    summary: "What this machine's network lets its controller do: NAT, hubs, whether it can be dialled, clock",
    options: none,
    answer: netChecksSchema,
  },
  async () => {
    const { queryNetwork } = await import('../queries/network.ts')
    return { query: queryNetwork, text: (await import('../views/network.ts')).networkText }
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

const access = question(
  { path: '/v1/access', summary: 'Who may log in on which devices', options: none, answer: accessSchema },
  async () => {
    const { queryAccess } = await import('../queries/access.ts')
    return { query: queryAccess, text: (await import('../views/access.ts')).accessText }
  },
)

const sshTargets = question(
  { path: '/v1/ssh', summary: 'Devices with their SSH host keys', options: none, answer: sshTargetsSchema },
  async () => {
    const { querySshTargets } = await import('../queries/ssh-targets.ts')
    // Commands make a configuration of it.
    return { query: querySshTargets, text: () => '' }
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
  ...{ status, devices, device, why, logs, ...auditQuestions, support, metrics, alerts },
  ...outlookQuestions,
  ...releaseQuestions,
  ...{ members, tokens, proposals, proposal, root, sites, access, sshTargets, log, peers, network },
  ...projectQuestions,
}
export type QuestionName = keyof typeof questions
export type QuestionOptions<Name extends QuestionName> = z.input<(typeof questions)[Name]['options']>
export type QuestionAnswer<Name extends QuestionName> = z.output<(typeof questions)[Name]['answer']>
