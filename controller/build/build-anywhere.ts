/**
 * Where a config comes from: out of the mesh if another operator has released just that, else it is built: here if this machine is
 * of its system, else on a device of the fleet that builds for it.
 */

import { messageOf } from '../../protocol/errors.ts'
import { BuildError } from '../nix/nix-program.ts'
import { keepPath } from '../nix/store.ts'
import type { ProjectTree } from '../project/tree.ts'
import { type BuildSystems, buildHint } from './build-systems.ts'
import { builderUser, type DeviceBuilder } from './builders.ts'
import { BuilderFailed, type BuildTalk, buildConfig, type NixWay } from './nix.ts'
import { topLevelOf } from './top-level.ts'

/** The devices that build, and how Nix gets to them. */
export interface FleetBuilders {
  readonly systemOf: (config: string) => string | undefined
  /** The fastest first. */
  readonly buildersFor: (system: string) => readonly DeviceBuilder[]
  /** Rejects with why it can't be asked: out of reach, not granted. */
  readonly open: (device: string) => Promise<NixWay>
  /** Top levels of a config that releases brought and the store lacks; `hard`: it can't be built here, so a controller may be started for it. */
  readonly released: (config: string, hard: boolean) => Promise<readonly ReleasedSystem[]>
}

/** A system that was released, perhaps by another operator. */
export interface ReleasedSystem {
  readonly topLevel: string
  /** Brings it into the store, and keeps it from the garbage collector while `work` runs. */
  readonly fetched: (work: () => Promise<void>, signal?: AbortSignal) => Promise<void>
}

export interface AnywhereOptions {
  readonly rootsDirectory: string
  readonly store: string | undefined
  readonly builders: FleetBuilders
  /** For which systems this machine builds. */
  readonly systems: () => Promise<BuildSystems | undefined>
  /** It begins: on a device, if one is named. */
  readonly onStart: (device?: string) => void
  /** A line on a builder that does not build. */
  readonly onNote: (line: string) => void
}

/** How many builds each device has from this process, so that several are used. */
const atWork = new Map<string, number>()

/**
 * Builds a config. What this machine only emulates is built on a device if one is there. Throws a BuildError; where no builder
 * could be asked, with what kept each.
 */
export async function buildAnywhere(
  tree: ProjectTree,
  name: string,
  options: AnywhereOptions,
  talk: BuildTalk,
): Promise<string> {
  const { rootsDirectory, store, builders } = options
  const here = async () => {
    options.onStart()
    return await buildConfig(tree, name, { rootsDirectory, store }, talk)
  }
  const system = builders.systemOf(name)
  const systems = await options.systems()
  if (system === undefined || systems === undefined) return await here()
  const fetched = await fetchReleased(tree, name, !systems.all.has(system), options, talk)
  if (fetched !== undefined) return fetched
  const candidates = builders.buildersFor(system)
  if (candidates.length === 0 || systems.own === system) return await here()
  // Nix keeps the evaluation: a device ends a session in which nobody logs in while we evaluate.
  await topLevelOf(tree, name, store, talk.signal).catch(() => talk.signal?.throwIfAborted())
  const kept: string[] = []
  for (const { device } of leastBusyFirst(candidates)) {
    atWork.set(device, (atWork.get(device) ?? 0) + 1)
    try {
      const on = await builders.open(device)
      options.onStart(device)
      return await buildConfig(tree, name, { rootsDirectory, store, on }, talk)
    } catch (thrown) {
      talk.signal?.throwIfAborted()
      // The config itself is wrong: it would be so elsewhere.
      if (thrown instanceof BuildError && !(thrown instanceof BuilderFailed)) throw thrown
      kept.push(`${device} doesn't build ${name}: ${messageOf(thrown).replace(/\s*\n\s*/g, ' ')}`)
      options.onNote(kept.at(-1) ?? '')
    } finally {
      atWork.set(device, (atWork.get(device) ?? 1) - 1)
    }
  }
  if (systems.all.has(system)) return await here()
  throw new BuildError(
    'build-failed',
    `config ${name} can't be built: nothing here builds ${system}, and no builder of the fleet does now:\n${kept.join('\n')}`,
    {
      hint: `A builder has to be in reach, and granted: thymesh access grant NAME --device ${candidates[0]?.device} --user ${builderUser} --may exec. ${buildHint(system)}`,
    },
  )
}

/** The top level, if a release has just the one that the tree comes to, and the mesh brings it. */
async function fetchReleased(
  tree: ProjectTree,
  name: string,
  hard: boolean,
  { rootsDirectory, store, builders, onNote }: AnywhereOptions,
  { signal }: BuildTalk,
): Promise<string | undefined> {
  const released = await builders.released(name, hard)
  if (released.length === 0) return undefined
  try {
    const own = await topLevelOf(tree, name, store, signal)
    const found = released.find(({ topLevel }) => topLevel === own)
    if (found === undefined) return undefined
    onNote(`Fetching ${name} from the mesh: it was released already …`)
    await found.fetched(() => keepPath(found.topLevel, rootsDirectory, name, store), signal)
    return found.topLevel
  } catch (thrown) {
    signal?.throwIfAborted()
    onNote(`${name} isn't fetched from the mesh: ${messageOf(thrown)}`)
    return undefined
  }
}

function leastBusyFirst(builders: readonly DeviceBuilder[]): DeviceBuilder[] {
  const load = ({ device, speed }: DeviceBuilder) => ((atWork.get(device) ?? 0) + 1) / speed
  return builders.toSorted((a, b) => load(a) - load(b))
}
