/** Building configs side by side: as many as the machine has memory for, since each has an evaluation of its own. */

import { availableParallelism } from 'node:os'
import type { NixActivity } from '../nix/nix-activity.ts'
import type { ProjectTree } from '../project/tree.ts'
import { buildAnywhere, type FleetBuilders } from './build-anywhere.ts'
import { buildSystems } from './build-systems.ts'
import { type BuildTalk, buildConfig } from './nix.ts'

/** Memory for the evaluation of one NixOS system; a portable one takes a hundredth. */
const memoryPerBuild = 1.5 * 1024 ** 3

/** Builds at a time: one at least, and no more than half of what is free can hold. */
function parallelBuilds(free = process.availableMemory(), cores = availableParallelism()): number {
  return Math.max(1, Math.min(cores, Math.floor(free / 2 / memoryPerBuild)))
}

export interface BuildConfigsOptions {
  readonly rootsDirectory: string
  readonly store: string | undefined
  readonly parallel?: number
  /** Devices that build what this machine can't; without them everything is built here. */
  readonly builders?: FleetBuilders
  /** Called when a config's build begins, on a device if one is named, and again where it begins anew elsewhere. */
  readonly onStart?: (name: string, device?: string) => void
  /** Called with a line about a builder that doesn't build. */
  readonly onNote?: (line: string) => void
  readonly signal?: AbortSignal | undefined
  /** Called with each line of Nix's about a config. */
  readonly onActivity?: ((name: string, activity: NixActivity, said: readonly string[]) => void) | undefined
}

/** Builds configs of a tree and gives their top levels by name. Nix builds nothing that it has. Throws the first BuildError. */
export async function buildConfigs(
  tree: ProjectTree,
  names: readonly string[],
  options: BuildConfigsOptions,
): Promise<Map<string, string>> {
  const { rootsDirectory, store, builders, onStart, signal, onActivity, parallel = parallelBuilds() } = options
  let systems: ReturnType<typeof buildSystems> | undefined
  const build = async (name: string, talk: BuildTalk) => {
    if (builders === undefined) {
      onStart?.(name)
      return await buildConfig(tree, name, { rootsDirectory, store }, talk)
    }
    const about = {
      ...{ rootsDirectory, store, builders },
      systems: () => (systems ??= buildSystems()),
      onStart: (device?: string) => onStart?.(name, device),
      onNote: (line: string) => options.onNote?.(line),
    }
    return await buildAnywhere(tree, name, about, talk)
  }
  const waiting = [...names]
  const built = new Map<string, string>()
  const work = async () => {
    for (let name = waiting.shift(); name !== undefined; name = waiting.shift()) {
      try {
        const talk: BuildTalk = { signal, onActivity: (activity, said) => onActivity?.(name, activity, said) }
        built.set(name, await build(name, talk))
      } catch (thrown) {
        // The others need not begin.
        waiting.length = 0
        throw thrown
      }
    }
  }
  const ended = await Promise.allSettled(Array.from({ length: Math.min(parallel, names.length) }, work))
  const failed = ended.find(each => each.status === 'rejected')
  if (failed !== undefined) throw failed.reason
  return built
}
