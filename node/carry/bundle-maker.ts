/** Makes bundles for a controller: for all devices, for one site, or for those that hold an earlier release. */

import { hashOfCid } from '../../protocol/encoding/cid.ts'
import { HintedError } from '../../protocol/errors.ts'
import type { Release } from '../../protocol/release/release.ts'
import type { ByteSink } from '../bundle/bundle-writer.ts'
import { FileSink } from '../bundle/file-sink.ts'
import type { Directory } from '../mesh/exchange/directory.ts'
import type { AcceptedState } from '../state/fleet-state.ts'
import { type BundlePlan, planBundle } from './bundle-plan.ts'
import { type VolumeInit, type WriteComponents, writeVolume } from './write-bundle.ts'

export class BundleMakerError extends HintedError<'no-release'> {}

export interface BundleWish {
  /** Only what devices of this site lack, by their last reports. */
  readonly site?: string | undefined
  /** Leaves out what this release holds. */
  readonly since?: number | undefined
  readonly volumeBytes?: number | undefined
}

export interface MakerComponents extends WriteComponents {
  readonly directory: Pick<Directory, 'certificates' | 'certificate' | 'report'>
}

export class BundleMaker {
  readonly #components: MakerComponents

  constructor(components: MakerComponents) {
    this.#components = components
  }

  /** Throws a BundleMakerError or BundlePlanError if there is nothing to carry. */
  async plan({ site, since, volumeBytes }: BundleWish): Promise<BundlePlan> {
    const accepted = this.#accepted()
    const without = new Map<string, Uint8Array>()
    if (since !== undefined) {
      const release = await this.#components.state.release(since)
      if (release === undefined) throw notKept(since)
      for (const { topLevel, closure } of Object.values(release.configs)) without.set(topLevel, hashOfCid(closure))
    }
    if (site !== undefined) {
      const running = this.#runningAt(site, accepted)
      for (const { configs } of await this.#releases()) {
        for (const { topLevel, closure } of Object.values(configs)) {
          if (running.has(topLevel)) without.set(topLevel, hashOfCid(closure))
        }
      }
    }
    return await planBundle(accepted, this.#components.closures, { site, without, volumeBytes })
  }

  /** Writes one volume to a sink; resolves to the number of its bytes. */
  write(plan: BundlePlan, sink: ByteSink, init: VolumeInit): Promise<number> {
    return writeVolume(this.#components, this.#accepted(), plan, sink, init)
  }

  /** Writes one volume to a file, and continues an interrupted run: `kept` of its bytes were there already. */
  async writeFile(plan: BundlePlan, file: string, init: VolumeInit): Promise<{ bytes: number; kept: number }> {
    const sink = await FileSink.open(file)
    try {
      const bytes = await writeVolume(this.#components, this.#accepted(), plan, sink, init)
      await sink.finish()
      return { bytes, kept: sink.kept }
    } catch (thrown) {
      await sink.close()
      throw thrown
    }
  }

  #accepted(): AcceptedState {
    const { accepted } = this.#components.state
    if (accepted !== undefined) return accepted
    throw new BundleMakerError('no-release', 'expected a release of the fleet here, there is none yet', {
      hint: 'Deploy one first: thymesh deploy',
    })
  }

  /** The top levels that devices of a site run, by their last reports: what one lacks, a neighbour has. */
  #runningAt(site: string, { release }: AcceptedState): Set<string> {
    const { directory } = this.#components
    const running = new Set<string>()
    for (const { peer, name, site: own, role } of directory.certificates()) {
      if (role !== 'device' || (own ?? release.devices[name]?.site) !== site) continue
      const topLevel = directory.report(peer)?.document.running
      if (topLevel !== undefined) running.add(topLevel)
    }
    return running
  }

  async #releases(): Promise<Release[]> {
    const { state } = this.#components
    const own = await Promise.all((await state.releaseVersions()).map(version => state.release(version)))
    return [...own.filter(release => release !== undefined), ...(await state.siteReleases())]
  }
}

function notKept(version: number): BundleMakerError {
  return new BundleMakerError('no-release', `expected release ${version} here, it is not kept`, {
    hint: 'Name another one: `thymesh releases` lists them.',
  })
}
