/** What the API answers about releases, and how far they are on devices. */

import { z } from 'zod'
import { limits } from '../../protocol/limits.ts'
import { page, pageOptions } from './page.ts'
import { question } from './question.ts'
import { rowsWriter } from './row-json.ts'
import { releaseChangesSchema, releaseCostSchema, releasedSchema, releasesSchema } from './schemas/releases.ts'
import { progressOfReleaseSchema, rolloutSchema } from './schemas/rollout.ts'
import { visitSchema } from './schemas/visit.ts'

const name = z.string().max(200)
const pages = z.strictObject(pageOptions)

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

const visit = question(
  {
    path: '/v1/visit',
    summary:
      'What a visitor of a site waits for: who is here, who has all of the newest release, whether one may leave',
    /** Without a site: those of the devices that are connected. */
    options: z.strictObject({ site: name.optional() }),
    answer: visitSchema,
  },
  async () => {
    const { queryVisit } = await import('../queries/visit.ts')
    return { query: queryVisit, text: (await import('../views/visit.ts')).visitText }
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
    json: rowsWriter(),
  },
  async () => {
    const { queryProgress } = await import('../queries/progress.ts')
    // `deploy` and others that watch draw it device by device.
    return { query: queryProgress, text: () => '' }
  },
)

const changes = question(
  {
    path: '/v1/releases/{release}/changes',
    summary: 'How the packages of a release differ from those of an older one (the one before, if none is named)',
    options: z.strictObject({
      release: z.int().min(1),
      since: z.int().min(1).optional(),
      site: name.optional(),
    }),
    answer: releaseChangesSchema,
  },
  async () => {
    const { queryChanges } = await import('../queries/package-changes.ts')
    // The page shows it.
    return { query: queryChanges, text: () => '' }
  },
)

const cost = question(
  {
    path: '/v1/releases/{release}/cost',
    summary: 'What a release still costs each site: bytes that none of its devices has, and their time at its uplink',
    options: z.strictObject({ release: z.int().min(1), site: name.optional() }),
    answer: releaseCostSchema,
  },
  async () => {
    const { queryCost } = await import('../queries/release-cost.ts')
    // The page shows it; `thymesh deploy --plan` says it before a deploy.
    return { query: queryCost, text: () => '' }
  },
)

export const releaseQuestions = { releases, released, rollout, progress, changes, cost, visit }
