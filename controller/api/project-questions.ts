/** What the API answers about the files of the project that its controller was started in. */

import { z } from 'zod'
import { HintedError } from '../../protocol/errors.ts'
import type { EntryFolder } from '../project/schemas.ts'
import { page, pageOptions } from './page.ts'
import { question } from './question.ts'
import {
  artifactsSchema,
  entriesSchema,
  entrySchema,
  inputsSchema,
  moduleAnswerSchema,
  modulesAnswerSchema,
  nextRunsSchema,
  problemsSchema,
  projectSchema,
  secretsSchema,
} from './schemas/project.ts'

const name = z.string().min(1).max(200)
const none = z.strictObject({})
/** No command shows these answers as they are. */
const text = () => ''

const project = question(
  {
    path: '/v1/project',
    summary: 'The project: its commit, what is not committed, its settings',
    options: none,
    answer: projectSchema,
  },
  async () => ({ query: (await import('../queries/project.ts')).queryProject, text }),
)

function entries(folder: EntryFolder) {
  return question(
    {
      path: `/v1/project/${folder}`,
      summary: `The ${folder} as their files say them, with problems and users`,
      options: z.strictObject(pageOptions),
      answer: entriesSchema,
    },
    async () => {
      const { queryEntries } = await import('../queries/project.ts')
      return {
        query: async (session, options) => {
          const { rows, ...rest } = page(await queryEntries(session, folder), row => row.name, options)
          return { entries: rows, ...rest }
        },
        text,
      }
    },
  )
}

function entry(folder: EntryFolder) {
  return question(
    {
      path: `/v1/project/${folder}/{name}`,
      summary: `One of the ${folder}: its file, its modules, and where each value comes from`,
      options: z.strictObject({ name }),
      answer: entrySchema,
    },
    async () => {
      const { queryEntry } = await import('../queries/project.ts')
      return { query: (session, options) => queryEntry(session, folder, options.name), text }
    },
  )
}

const projectModules = question(
  {
    path: '/v1/project/modules',
    summary: 'The modules that the project can use',
    options: none,
    answer: modulesAnswerSchema,
  },
  async () => ({ query: (await import('../queries/project.ts')).queryModules, text }),
)

const projectModule = question(
  {
    path: '/v1/project/modules/{name}',
    summary: 'One module: its settings with types, texts, examples and defaults',
    options: z.strictObject({ name }),
    answer: moduleAnswerSchema,
  },
  async () => {
    const { queryModule } = await import('../queries/project.ts')
    return { query: (session, options) => queryModule(session, options.name), text }
  },
)

const projectProblems = question(
  {
    path: '/v1/project/problems',
    summary: 'What is wrong in files and modules, with file and line; the order check finds also what only Nix does',
    options: none,
    answer: problemsSchema,
  },
  async () => ({ query: (await import('../queries/project.ts')).queryProblems, text }),
)

const nextRuns = question(
  {
    path: '/v1/next-runs',
    summary: 'The next times of a cron pattern in a time zone, or of a calendar event of systemd',
    options: z.strictObject({
      cron: z.string().max(100).optional(),
      timeZone: z.string().max(100).default('UTC'),
      calendar: z.string().max(200).optional(),
      count: z.int().min(1).max(50).default(5),
    }),
    answer: nextRunsSchema,
  },
  async () => {
    const { nextCalendarRuns, nextCronRuns } = await import('../project/next-runs.ts')
    return {
      query: async (_, { cron, calendar, timeZone, count }) => {
        if (cron !== undefined && calendar === undefined) return { next: nextCronRuns(cron, timeZone, count) }
        if (calendar !== undefined && cron === undefined) return { next: await nextCalendarRuns(calendar, count) }
        throw new HintedError('not-understood', 'expected either cron or calendar', {
          hint: 'Such as ?cron=0+3+*+*+1 or ?calendar=daily.',
        })
      },
      text,
    }
  },
)

const inputs = question(
  {
    path: '/v1/project/inputs',
    summary: 'Flake inputs: locked versions, and what they offer',
    options: none,
    answer: inputsSchema,
  },
  async () => ({ query: (await import('../queries/sources.ts')).queryInputs, text }),
)

const artifacts = question(
  {
    path: '/v1/project/artifacts',
    summary: 'Files and folders for devices, and who uses them',
    options: none,
    answer: artifactsSchema,
  },
  async () => ({ query: (await import('../queries/sources.ts')).queryArtifacts, text }),
)

const secrets = question(
  {
    path: '/v1/secrets',
    summary: 'Secrets by name, who can read them and who uses them; never their content',
    options: none,
    answer: secretsSchema,
  },
  async () => ({ query: (await import('../queries/sources.ts')).querySecrets, text }),
)

export const projectQuestions = {
  ...{ project, projectModules, projectModule, projectProblems, nextRuns, inputs, artifacts, secrets },
  ...{ projectConfigs: entries('configs'), projectConfig: entry('configs') },
  ...{ projectTags: entries('tags'), projectTag: entry('tags') },
  ...{ projectDevices: entries('devices'), projectDevice: entry('devices') },
}
