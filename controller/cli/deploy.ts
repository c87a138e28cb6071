/** `thymesh deploy`: builds, signs and publishes a release, and shows how it reaches the devices. */

import type { Certificate } from '../../protocol/certificate.ts'
import { ThymeshError } from '../../protocol/errors.ts'
import type { RolloutPolicy } from '../../protocol/rollout-policy.ts'
import type { ReleaseContent } from '../../protocol/trust/publish.ts'
import { cacheDirectory, FleetHome } from '../fleet-home.ts'
import { buildConfig, type DeclaredFleet, evaluateFleet, keepPath } from '../nix.ts'
import { requireSound } from '../project/check.ts'
import { cleanCommit } from '../project/git.ts'
import { openProject } from '../project/project.ts'
import { type BuiltConfig, releaseConfig, sameContent } from '../publish.ts'
import { emptyWaves, parseRolloutPolicy, readRolloutPolicy } from '../rollout-policy.ts'
import type { Session } from '../session.ts'
import { shortPath, size } from '../view/table.ts'
import { takeNews, withSession } from './context.ts'
import type { WatchOptions } from './options.ts'
import { note } from './output.ts'
import { release } from './release.ts'
import { checkWaitFor, watch } from './watch.ts'

/** How often a person is told how many recipes are made. */
const recipeNoteMs = 2_000

/** Seconds for other operators' releases to come in; they do while the configs are built. */
const newsSeconds = 2

type DeployOptions = WatchOptions & {
  force: boolean
  /** A file with a rollout policy; false for all devices at once; true when nothing was said. */
  rollout: string | boolean
}

export async function deploy(options: DeployOptions): Promise<number> {
  const project = await openProject(options.project)
  const commit = await cleanCommit(project)
  const home = new FleetHome(project.fleet)
  const [, nixKey, { store }] = await Promise.all([home.keys(), home.nixKey(), home.settings()])
  await requireSound(project, { store, cache: cacheDirectory() })
  // Evaluated while the controller starts and looks for peers; what fails is thrown below.
  const evaluation = evaluateFleet(project, store)
  evaluation.catch(() => {})

  return await withSession(project, options, async session => {
    const { peer } = session
    // This release must be on top of other operators'.
    const news = takeNews(session, options, newsSeconds, 'No peer is in reach yet.')
    const declared = await evaluation
    const rollout = await rolloutOf(options, declared)
    const devices = devicesOf(declared, peer.directory.certificates())
    checkWaitFor(options.waitFor, Object.keys(devices))
    const built: Record<string, BuiltConfig> = {}
    for (const name of [...new Set(Object.values(devices).map(({ config }) => config))].sort()) {
      const config = declared.configs[name]
      if (config === undefined) throw new RangeError(`config ${name} is not declared`)
      note(options, `Building ${name} …`)
      const { system, target, policy } = config
      const topLevel = await buildConfig(project, name, home.rootsDirectory('next'), store)
      built[name] = { system, target, topLevel, ...(policy && { policy }) }
    }
    await news
    const content: ReleaseContent = {
      message: options.message ?? '',
      commit,
      configs: await releasedConfigs(session, built, nixKey, options),
      devices,
      ...(rollout && { rollout }),
    }
    const current = peer.state.belief?.release
    if (current !== undefined && sameContent(current, content) && !options.force) {
      note(options, `Nothing to deploy: release ${current.version} is this already. (--force makes a new one.)`)
      return await watch(session, current, options)
    }
    const roots = home.rootsDirectory(String((current?.version ?? 0) + 1))
    for (const [name, { topLevel }] of Object.entries(built)) await keepPath(topLevel, roots, name, store)
    const version = (current?.version ?? 0) + 1
    for (const line of emptyWaves({ ...content, fleet: peer.fleet, version })) note(options, `Note: ${line}.`)
    return await release(session, content, options)
  })
}

/** How the release spreads: what the command says, else the project. */
async function rolloutOf(options: DeployOptions, declared: DeclaredFleet): Promise<RolloutPolicy | undefined> {
  if (options.rollout === false) return undefined
  if (typeof options.rollout === 'string') return await readRolloutPolicy(options.rollout)
  return parseRolloutPolicy(declared.rollout, 'rollout.json')
}

/** With site and tags, by which waves choose; a device's site is the project's, else that of its certificate. */
function devicesOf(declared: DeclaredFleet, certificates: readonly Certificate[]): ReleaseContent['devices'] {
  const devices = Object.entries(declared.devices).map(([name, { config, site: declaredSite, tags }]) => {
    const site = declaredSite ?? certificates.find(each => each.name === name && each.role === 'device')?.site
    return [name, { config, ...(site !== undefined && { site }), ...(tags.length > 0 && { tags }) }] as const
  })
  if (devices.length > 0) return Object.fromEntries(devices)
  throw new ThymeshError('no-devices', 'the project declares no devices', {
    hint: 'Add one: devices/NAME.json with {"config": "…"}, and commit it.',
  })
}

async function releasedConfigs(
  { peer }: Session,
  built: Record<string, BuiltConfig>,
  nixKey: Parameters<typeof releaseConfig>[2],
  options: WatchOptions,
): Promise<ReleaseContent['configs']> {
  const configs: ReleaseContent['configs'] = {}
  for (const [name, config] of Object.entries(built)) {
    let toldAt = Date.now()
    const released = await releaseConfig(peer, config, nixKey, (made, of) => {
      if (Date.now() - toldAt < recipeNoteMs) return
      toldAt = Date.now()
      note(options, `  recipes: ${made} of ${of}`)
    })
    configs[name] = released
    const paths = released.paths === 1 ? '1 path' : `${released.paths} paths`
    note(options, `  ${shortPath(config.topLevel)}: ${paths}, ${size(released.narSize)}`)
  }
  return configs
}
