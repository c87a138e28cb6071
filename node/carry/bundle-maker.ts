/** Makes bundles for a controller: for all devices, for one site, or for those that hold an earlier release. */

import { hashOfCid } from '../../protocol/encoding/cid.ts'
import { HintedError } from '../../protocol/errors.ts'
import type { ListedMember } from '../../protocol/report/gist.ts'
import { readsDeltas } from '../../protocol/report/understands.ts'
import type { ByteSink } from '../bundle/bundle-writer.ts'
import { FileSink } from '../bundle/file-sink.ts'
import type { Directory } from '../mesh/exchange/directory.ts'
import type { AcceptedState } from '../state/fleet-state.ts'
import { releasedClosures } from '../state/released-closures.ts'
import type { ReleasedShifts } from '../swarm/delta/released-shifts.ts'
import { type BundlePlan, planBundle } from './bundle-plan.ts'
import { type VolumeInit, type WriteComponents, writeVolume } from './write-bundle.ts'

export class BundleMakerError extends HintedError<'no-release'> {}

export interface BundleWish {
  /** Only what devices of this site lack, by their last reports. */
  readonly site?: string | undefined
  /** Leaves out what this release holds. */
  readonly since?: number | undefined
  readonly volumeBytes?: number | undefined
  /** Chunks as deltas of older ones, if all receivers read those; true if nothing is said. */
  readonly deltas?: boolean | undefined
}

export interface MakerComponents extends WriteComponents {
  readonly shifts: Pick<ReleasedShifts, 'book'>
  readonly directory: Pick<Directory, 'members' | 'certificates' | 'certificate' | 'report'>
}

export class BundleMaker {
  readonly #components: MakerComponents

  constructor(components: MakerComponents) {
    this.#components = components
  }

  /** Throws a BundleMakerError or BundlePlanError if there is nothing to carry. */
  async plan({ site, since, volumeBytes, deltas = true }: BundleWish): Promise<BundlePlan> {
    const accepted = this.#accepted()
    const without = new Map<string, Uint8Array>()
    if (since !== undefined) {
      const release = await this.#components.state.release(since)
      if (release === undefined) throw notKept(since)
      for (const { topLevel, closure } of Object.values(release.configs)) without.set(topLevel, hashOfCid(closure))
    }
    if (site !== undefined) {
      const running = this.#runningAt(site, accepted)
      const known = await releasedClosures(this.#components.state, topLevel => running.has(topLevel))
      for (const [topLevel, hash] of known) without.set(topLevel, hash)
    }
    return await planBundle(accepted, this.#components.closures, {
      ...{ site, without, volumeBytes },
      deltas: deltas && this.#readDeltas(site, accepted),
      shifts: () => this.#components.shifts.book(),
    })
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

  /**
   * Whether all devices that have reported, of a site or of the fleet, read deltas. Of a site, all have to have reported: the
   * stick may be put into one that has nothing yet.
   */
  #readDeltas(site: string | undefined, accepted: AcceptedState): boolean {
    const { directory } = this.#components
    const reports = this.#devicesAt(site, accepted).map(({ peer }) => directory.report(peer)?.document)
    return reports.every(report => {
      if (report?.running === undefined) return site === undefined
      return readsDeltas(report)
    })
  }

  /** The members that are devices of a site, or of the fleet. */
  #devicesAt(site: string | undefined, { release }: AcceptedState): ListedMember[] {
    const devices = this.#components.directory.members().filter(({ role }) => role === 'device')
    return devices.filter(({ name, site: own }) => site === undefined || (own ?? release.devices[name]?.site) === site)
  }

  /** The top levels that devices of a site run, by their last reports: what one lacks, a neighbour has. */
  #runningAt(site: string, accepted: AcceptedState): Set<string> {
    const running = this.#devicesAt(site, accepted).map(({ report }) => report?.running)
    return new Set(running.filter(topLevel => topLevel !== undefined))
  }
}

function notKept(version: number): BundleMakerError {
  return new BundleMakerError('no-release', `expected release ${version} here, it is not kept`, {
    hint: 'Name another one: `thymesh releases` lists them.',
  })
}
