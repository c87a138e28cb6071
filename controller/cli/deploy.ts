/** `thymesh deploy`: builds, signs and publishes a release, and shows how it reaches the devices. */

import type { Command } from 'commander'
import { ThymeshError } from '../../protocol/errors.ts'
import type { Release } from '../../protocol/release.ts'
import type { ReleaseContent } from '../../protocol/trust/publish.ts'
import { buildConfig, evaluateFleet } from '../nix.ts'
import { cleanCommit, type Project } from '../project.ts'
import { publish, releaseConfig, sameContent } from '../publish.ts'
import { type Rollout, watchRollout } from '../rollout.ts'
import type { Session } from '../session.ts'
import { RolloutProgress } from '../view/progress.ts'
import { shortPath } from '../view/table.ts'
import {
  collect,
  type GlobalOptions,
  note,
  print,
  projectCommand,
  run,
  seconds,
  takeNews,
  withSession,
} from './context.ts'

export interface WatchOptions extends GlobalOptions {
  message?: string
  wait: boolean
  waitFor: string[]
  timeout?: number
}

export function deployCommand(): Command {
  return watchOptions(projectCommand('deploy', 'Build the project, sign a release and bring it to the devices.'))
    .option('-m, --message <text>', 'what is new, for people')
    .option('--force', 'release also when nothing would change', false)
    .action((options: WatchOptions & { force: boolean }) =>
      run(options, () => withSession(options, (session, project) => deploy(session, project, options))),
    )
}

export function watchOptions(command: Command): Command {
  return command
    .option('--no-wait', 'leave as soon as one other peer has the release')
    .option('--wait-for <device>', 'wait for this device only; repeat for more (default: all)', collect, [])
    .option('--timeout <seconds>', 'leave after this time, with exit code 2 if devices have not reported', seconds)
}

async function deploy(
  session: Session,
  project: Project,
  options: WatchOptions & { force: boolean },
): Promise<number | undefined> {
  const { peer, home } = session
  const commit = await cleanCommit(project)
  const keys = await home.keys()
  const nixKey = await home.nixKey()
  const declared = await evaluateFleet(project)
  const used = [...new Set(Object.values(declared.devices).map(({ config }) => config))].sort()
  if (used.length === 0) {
    throw new ThymeshError('no-devices', 'the project declares no devices', {
      hint: 'Add one: devices/NAME.json with {"config": "…"}, and commit it.',
    })
  }
  // Other operators' releases first: this one must be on top of them.
  await takeNews(session, options, 2)
  const version = (peer.state.belief?.release.version ?? 0) + 1
  const configs: ReleaseContent['configs'] = {}
  for (const name of used) {
    const config = declared.configs[name]
    if (config === undefined) throw new RangeError(`config ${name} is not declared`)
    note(options, `Building ${name} …`)
    const topLevel = await buildConfig(project, name, home.rootsDirectory(version))
    configs[name] = await releaseConfig(peer, { ...config, topLevel }, nixKey)
    note(
      options,
      `  ${shortPath(topLevel)}: ${configs[name].paths} paths, ${(configs[name].narSize / 1e6).toFixed(1)} MB`,
    )
  }
  const devices = Object.fromEntries(Object.entries(declared.devices).map(([name, { config }]) => [name, { config }]))
  const content: ReleaseContent = { message: options.message ?? '', commit, configs, devices }
  const current = peer.state.belief?.release
  if (current !== undefined && sameContent(current, content) && !options.force) {
    note(options, `Nothing to deploy: release ${current.version} is this already. (--force makes a new one.)`)
    return await watch(session, current, options)
  }
  const release = await publish(peer, content, keys, new Date())
  note(options, `Release ${release.version} is signed and published.`)
  return await watch(session, release, options)
}

/** Shows the rollout until all have ended, the time is over or the operator leaves; the last is no failure. */
export async function watch(session: Session, release: Release, options: WatchOptions): Promise<number> {
  const progress = new RolloutProgress()
  const leave = new AbortController()
  const onSignal = () => leave.abort()
  process.once('SIGINT', onSignal)
  process.once('SIGTERM', onSignal)
  const timeout = AbortSignal.timeout((options.timeout ?? 86_400) * 1000)
  let told = false
  const onChange = (rollout: Rollout) => {
    if (!options.json) progress.show(rollout.rows, release.version)
    if (rollout.holders.length === 0 || rollout.complete) return
    if (!options.wait) leave.abort()
    else if (!told) note(options, `  (${rollout.holders[0]} has the whole release: you may leave with Ctrl-C)`)
    told = true
  }
  try {
    const rollout = await watchRollout(
      session.peer,
      release,
      AbortSignal.any([leave.signal, timeout]),
      onChange,
      options.waitFor,
    )
    return conclude(rollout, release, options, timeout.aborted)
  } finally {
    process.off('SIGINT', onSignal)
    process.off('SIGTERM', onSignal)
  }
}

function conclude(rollout: Rollout, release: Release, options: GlobalOptions, timedOut: boolean): number {
  const { rows, complete, holders } = rollout
  const failed = rows.filter(({ state }) => state === 'failed').map(({ device }) => device)
  const running = rows.filter(row => row.state === 'running' && row.release === release.version).length
  const words = [`Release ${release.version}: ${running} of ${rows.length} devices run it`]
  if (failed.length > 0) words.push(`failed on ${failed.join(', ')}`)
  if (!complete && holders.length > 0) words.push(`the others get it from ${holders.join(', ')}`)
  if (!complete && holders.length === 0) words.push('no other peer has all of it yet: come back with `thymesh status`')
  print(
    options,
    { release: release.version, complete, restores: release.restores ?? null, holders, devices: rows },
    `${words.join('; ')}.`,
  )
  if (failed.length > 0) return 1
  return timedOut && !complete ? 2 : 0
}
