/** Orders that check, build and compare the project as Git knows it, changes that are not committed included. */

import type { z } from 'zod'
import { HintedError } from '../../protocol/errors.ts'
import type {
  buildOptions,
  builtSchema,
  checkedSchema,
  checkOptions,
  comparedSchema,
  diffOptions,
} from '../api/schemas/project-orders.ts'
import { buildConfigs } from '../build/build-configs.ts'
import { buildHint, buildSystems, unbuildable } from '../build/build-systems.ts'
import { buildersFor } from '../build/builders.ts'
import { tellBuild } from '../build/progress.ts'
import type { FleetHome } from '../fleet/fleet-home.ts'
import { describeOptions } from '../inputs/describe-options.ts'
import type { SizedPath } from '../nix/closure-diff.ts'
import { closurePaths } from '../nix/nix-closure.ts'
import { checkProject, requireSound } from '../project/check.ts'
import type { DeclaredFleet } from '../project/declared-fleet.ts'
import { list, problemJson } from '../project/problem.ts'
import { openProject, type Project } from '../project/project.ts'
import { type ProjectTree, withTree } from '../project/tree.ts'
import { packageChanges } from '../queries/package-changes.ts'
import { lackingNote, queryReleased } from '../queries/released.ts'
import { withFleetBuilders } from '../session/fleet-builders.ts'
import { takeNews } from '../session/news.ts'
import { type Session, startSession } from '../session/session.ts'
import type { Talk } from '../tasks/talk.ts'
import type { Place } from './order.ts'
import { newsSeconds, noPeerYet } from './submit-release.ts'

/** Every problem of the project. */
export async function check(
  { directory }: Place,
  options: z.output<typeof checkOptions>,
  talk: Talk,
): Promise<z.infer<typeof checkedSchema>> {
  const project = await openProject(options.project ?? directory)
  const describe = { ...(await describeOptions(project)), signal: talk.signal }
  const limit = options.timeout === undefined ? {} : { timeoutMs: options.timeout * 1000 }
  talk.step('Checking the project')
  const found = await withTree(project, tree => checkProject(tree, { ...describe, ...limit }))
  talk.signal.throwIfAborted()
  const { problems, files, modules, fleet } = found
  const systems = fleet && (await buildSystems())
  const notHere = fleet === undefined || systems === undefined ? [] : unbuildable(fleet.configs, systems.all)
  const elsewhere = notHere.map(each => ({
    ...each,
    devices: fleet === undefined ? [] : buildersFor(fleet, each.system).map(({ device }) => device),
  }))
  const nowhere = elsewhere.filter(({ devices }) => devices.length === 0)
  return {
    ...{ ok: problems.length === 0, problems: problems.map(problemJson) },
    unbuildable: nowhere.map(({ config, system }) => ({ config, system, hint: buildHint(system) })),
    builtOnDevices: elsewhere.filter(({ devices }) => devices.length > 0),
    ...{ configs: files.configs.size, tags: files.tags.size, devices: files.devices.size },
    ...{ modules: Object.keys(modules).length, secrets: files.secrets.size },
  }
}

interface Built {
  readonly config: string
  readonly topLevel: string
  readonly paths: readonly SizedPath[]
}

/** Builds on devices of the fleet need a controller: one of its own starts with the first, where none runs. */
export async function build(
  place: Place | Session,
  options: z.output<typeof buildOptions>,
  talk: Talk,
): Promise<z.infer<typeof builtSchema>> {
  const project = await openProject(options.project ?? place.directory)
  let own: Promise<Session> | undefined
  const start = async () => {
    const session = await startSession(project)
    await takeNews(session, talk.note, newsSeconds, noPeerYet, talk.signal)
    return session
  }
  const session = async () => {
    if ('peer' in place) return place
    own ??= start()
    return await own
  }
  try {
    return await buildAt({ home: place.home, session, isRunning: 'peer' in place }, project, options.configs, talk)
  } finally {
    await own?.then(
      each => each.stop(),
      () => {},
    )
  }
}

async function buildAt(
  at: BuildingPlace,
  project: Project,
  wanted: readonly string[],
  talk: Talk,
): Promise<z.infer<typeof builtSchema>> {
  const { built } = await buildAll(project, at, wanted, talk)
  const configs = built.map(({ config, topLevel, paths }) => {
    return { config, topLevel, paths: paths.length, narSize: paths.reduce((sum, { narSize }) => sum + narSize, 0) }
  })
  return { configs }
}

/** The packages of each config beside those of a release. */
export async function diff(
  session: Session,
  options: z.output<typeof diffOptions>,
  talk: Talk,
): Promise<z.infer<typeof comparedSchema>> {
  const news = takeNews(session, talk.note, newsSeconds, noPeerYet, talk.signal)
  const project = await openProject(options.project ?? session.directory)
  const run = (fleet: DeclaredFleet) => Object.values(fleet.devices).map(({ config }) => config)
  // Devices that build are met by then.
  const at = { home: session.home, session: async () => await news.then(() => session), isRunning: true }
  const [{ built, fleet }] = await Promise.all([buildAll(project, at, options.configs, talk, run), news])
  const { release, configs, devices: before } = await queryReleased(session, options)
  const lacking = await lackingNote(session, options)
  if (lacking !== undefined) talk.note(lacking)
  const now = Object.fromEntries(Object.entries(fleet.devices).map(([name, { config }]) => [name, config]))
  const pathsOf = (name: string) => (Object.hasOwn(configs, name) ? (configs[name] ?? []) : [])
  const diffs = built.map(({ config, paths }) => packageChanges(config, pathsOf(config), paths))
  const gone = Object.keys(configs).filter(name => !built.some(({ config }) => config === name))
  const isWhole = options.configs.length === 0
  return { release, configs: diffs, removed: isWhole ? gone : [], devices: isWhole ? switched(before, now) : [] }
}

/** Devices that get another config, one for the first time, or none any more. */
function switched(
  before: Readonly<Record<string, string>>,
  now: Readonly<Record<string, string>>,
): z.infer<typeof comparedSchema>['devices'] {
  const configOf = (of: Readonly<Record<string, string>>, name: string) =>
    Object.hasOwn(of, name) ? of[name] : undefined
  return [...new Set([...Object.keys(before), ...Object.keys(now)])].sort().flatMap(device => {
    const [was, is] = [configOf(before, device) ?? null, configOf(now, device) ?? null]
    return was === is ? [] : [{ device, before: was, after: is }]
  })
}

interface BuildingPlace {
  readonly home: FleetHome
  /** The controller that asks devices to build. */
  readonly session: () => Promise<Session>
  readonly isRunning: boolean
}

interface BuiltFleet {
  readonly built: Built[]
  readonly fleet: DeclaredFleet
}

/** Those that are wanted by name, else those that `chosen` says of the declared ones. */
async function buildAll(
  project: Project,
  at: BuildingPlace,
  wanted: readonly string[],
  talk: Talk,
  chosen: (fleet: DeclaredFleet) => readonly string[] = ({ configs }) => Object.keys(configs),
): Promise<BuiltFleet> {
  return await withTree(project, tree => buildTree(project, tree, at, { wanted, chosen }, talk))
}

async function buildTree(
  project: Project,
  tree: ProjectTree,
  { home, session, isRunning }: BuildingPlace,
  { wanted, chosen }: { wanted: readonly string[]; chosen: (fleet: DeclaredFleet) => readonly string[] },
  talk: Talk,
): Promise<BuiltFleet> {
  const describe = await describeOptions(project)
  const { store } = describe
  talk.step('Checking the project')
  const { fleet } = await requireSound(tree, { ...describe, signal: talk.signal })
  talk.signal.throwIfAborted()
  const declared = Object.keys(fleet.configs).sort()
  const unknown = wanted.find(name => !declared.includes(name))
  if (unknown !== undefined) {
    throw new HintedError('unknown-config', `expected one of the project's configs, got ${unknown}`, {
      hint: `It has ${list(declared)}.`,
    })
  }
  const names = wanted.length > 0 ? wanted : [...new Set(chosen(fleet))].sort()
  talk.step('Building')
  const rootsDirectory = home.rootsDirectory('build')
  const building = { rootsDirectory, store, signal: talk.signal, ...tellBuild(talk) }
  const topLevels = await withFleetBuilders({ session, isRunning, store }, fleet, builders =>
    buildConfigs(tree, names, { ...building, builders }),
  )
  talk.step('Measuring')
  const built = await Promise.all(
    names.map(async config => {
      const topLevel = topLevels.get(config) ?? ''
      return { config, topLevel, paths: await closurePaths(topLevel, store) }
    }),
  )
  return { built, fleet }
}
