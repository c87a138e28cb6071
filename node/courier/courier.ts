/** A courier: a relay without a Nix store that serves bundles to a site, and carries the site's reports in its state. */

import { ThymeshError } from '../../protocol/errors.ts'
import { Bundle } from '../bundle/bundle.ts'
import { takeBundle } from '../carry/take-bundle.ts'
import { membershipOf } from '../peer/membership.ts'
import { MeshPeer } from '../peer/mesh-peer.ts'
import type { Logger } from '../process/log.ts'
import type { Settings } from '../settings/settings.ts'
import { openState } from '../state/peer-state.ts'
import { NoStore } from './no-store.ts'

export class CourierError extends ThymeshError<'not-a-relay'> {}

/** What a courier sees of the devices, by their reports. */
export interface CourierNews {
  /** The fleet's release that is trusted now. */
  readonly release: number | undefined
  /** Members that are connected. */
  readonly connected: readonly string[]
  /** Devices that run the newest release that applies to them, and those that have reported something else. */
  readonly updated: readonly string[]
  readonly pending: readonly string[]
}

export interface RunningCourier {
  readonly name: string
  readonly news: CourierNews
  /** Calls back when the news may have changed. */
  onChange(listener: () => void): void
  stop(): Promise<void>
}

/**
 * Joins with the settings' token, or as before, takes in the bundles and serves them. Throws a CourierError if the
 * certificate is another role's, a JoinError, or what `Bundle.open` and `takeBundle` throw.
 */
export async function startCourier(settings: Settings, files: readonly string[], log: Logger): Promise<RunningCourier> {
  const state = await openState(settings)
  const undo: (() => Promise<void>)[] = [() => state.database.close()]
  const stop = async () => {
    for (const step of undo.splice(0).reverse()) await step()
  }
  try {
    const { certificate, envelope, bootstrap } = await membershipOf(state, settings)
    if (certificate.role !== 'relay') {
      throw new CourierError('not-a-relay', `expected a certificate of a relay, got one of a ${certificate.role}`, {
        hint: 'Make a token with `thymesh token --relay --names NAME`, and give the courier a state of its own.',
      })
    }
    const all = [...new Set([...settings.bootstrap, ...bootstrap])]
    const { fleet } = certificate
    const init = { fleet, certificate: envelope, settings: { ...settings, bootstrap: all }, state, log }
    const peer = await MeshPeer.make({ ...init, store: new NoStore() })
    undo.push(() => peer.stop())
    // Before the start: with the bundle's metadata, the first device is admitted at once.
    for (const file of files) {
      const bundle = await Bundle.open(file, { scratch: settings.state })
      undo.push(() => bundle.close())
      const { directory, closures, equivocation, shelf } = peer
      await takeBundle({ state: peer.state, directory, closures, equivocation, shelf, clock: state.clock, log }, bundle)
    }
    await peer.start()
    peer.pruner.start({ whenDue: true })
    return {
      name: certificate.name,
      get news() {
        return newsOf(peer)
      },
      onChange: listener => follow(peer, listener),
      stop,
    }
  } catch (thrown) {
    await stop()
    throw thrown
  }
}

function newsOf({ state, directory, admission }: MeshPeer): CourierNews {
  const release = state.accepted?.release.version
  const reports = directory.members().flatMap(({ name, report }) => {
    if (report === undefined) return []
    const newest = report.site === undefined ? release : state.accepted?.sites.get(report.site)?.version
    return [{ name, isUpdated: report.state === 'running' && report.release === newest }]
  })
  const names = (isUpdated: boolean) => reports.filter(each => each.isUpdated === isUpdated).map(({ name }) => name)
  const connected = admission.members.map(({ certificate }) => certificate.name)
  return { release, connected: connected.sort(), updated: names(true).sort(), pending: names(false).sort() }
}

function follow({ state, directory, admission }: MeshPeer, listener: () => void): void {
  admission.on('admitted', listener)
  directory.on('report', listener)
  state.on('changed', listener)
}
