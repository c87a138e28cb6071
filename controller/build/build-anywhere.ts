/** Where a config is built: here if this machine is of its system, else on a device of the fleet that builds for it. */

import { messageOf } from '../../protocol/errors.ts'
import { BuildError } from '../nix/nix-program.ts'
import type { ProjectTree } from '../project/tree.ts'
import { type BuildSystems, buildHint } from './build-systems.ts'
import { builderUser, type DeviceBuilder } from './builders.ts'
import { BuilderFailed, type BuildTalk, buildConfig, type NixWay } from './nix.ts'

/** The devices that build, and how Nix gets to them. */
export interface FleetBuilders {
  readonly systemOf: (config: string) => string | undefined
  /** The fastest first. */
  readonly buildersFor: (system: string) => readonly DeviceBuilder[]
  /** Rejects with why it can't be asked: out of reach, not granted. */
  readonly open: (device: string) => Promise<NixWay>
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
  const candidates = system === undefined ? [] : builders.buildersFor(system)
  if (system === undefined || candidates.length === 0) return await here()
  const systems = await options.systems()
  if (systems === undefined || systems.own === system) return await here()
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

function leastBusyFirst(builders: readonly DeviceBuilder[]): DeviceBuilder[] {
  const load = ({ device, speed }: DeviceBuilder) => ((atWork.get(device) ?? 0) + 1) / speed
  return builders.toSorted((a, b) => load(a) - load(b))
}
