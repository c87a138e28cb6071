/** The witnessed log of this device: opened, written by the daemon's parts, served to controllers, and its head in reports. */

import type { Extensions } from '../../protocol/encoding/extensions.ts'
import { sha256Hex } from '../../protocol/encoding/hash.ts'
import { messageOf } from '../../protocol/errors.ts'
import { grantsFor } from '../../protocol/release/access.ts'
import { forkedLogsExtension, logHeadExtension } from '../../protocol/report/witnessed-log.ts'
import { finalStates, type JournalEntry } from '../activation/journal-entry.ts'
import { AuditService } from '../audit/audit-service.ts'
import { type Audited, LogKeeper } from '../audit/log-keeper.ts'
import { WitnessedLog } from '../audit/witnessed-log.ts'
import { agent } from '../peer/mesh-parts.ts'
import type { MeshPeer } from '../peer/mesh-peer.ts'
import type { Logger } from '../process/log.ts'
import type { PeerState } from '../state/peer-state.ts'

export interface DeviceLogComponents {
  readonly peer: MeshPeer
  readonly state: Pick<PeerState, 'database' | 'clock'>
  readonly log: Logger
}

export class DeviceLog {
  readonly #components: DeviceLogComponents
  readonly #keeper: LogKeeper
  readonly #service: AuditService
  readonly #renewed = () => void this.#noteCertificate()
  readonly #changed = () => void this.#noteGrants()

  private constructor(components: DeviceLogComponents, witnessed: WitnessedLog, report: () => void) {
    this.#components = components
    const { peer, state, log } = components
    const { fleet, identity, host, names, admission } = peer
    this.#keeper = new LogKeeper({ witnessed, fleet, signer: identity.signer, clock: state.clock, log }, { report })
    this.#service = new AuditService({ host, names, admission, witnessed, log })
  }

  /** Undefined where what is stored can't be read: the device goes on without, and its reports have no head. */
  static async start(components: DeviceLogComponents, report: () => void): Promise<DeviceLog | undefined> {
    try {
      const log = new DeviceLog(components, await WitnessedLog.open(components.state.database), report)
      await log.#start().catch(async thrown => {
        await log.stop()
        throw thrown
      })
      return log
    } catch (thrown) {
      components.log.error({ reason: messageOf(thrown) }, 'no witnessed log: it could not be opened')
      return undefined
    }
  }

  readonly audited: Audited = (what, about) => this.#keeper.audited(what, about)

  /** Of an update's states, those that end it are written down. */
  readonly activated = async ({ state, release, site, config, code, new: topLevel }: JournalEntry): Promise<void> => {
    if (finalStates.has(state))
      await this.audited('update-ended', { state, release, site, config, code, 'top-level': topLevel })
  }

  /** What reports say, the most important first. */
  get extensions(): readonly Extensions[] {
    const { head } = this.#keeper
    return head === undefined ? [] : [logHeadExtension(head)]
  }

  async stop(): Promise<void> {
    const { own, state } = this.#components.peer
    own.off('renewed', this.#renewed)
    state.off('changed', this.#changed)
    await this.#service.stop()
    await this.#keeper.stop()
  }

  async #start(): Promise<void> {
    const { own, state } = this.#components.peer
    await this.#noteCertificate()
    await this.audited('daemon-started', { version: agent })
    await this.#noteGrants()
    own.on('renewed', this.#renewed)
    state.on('changed', this.#changed)
    this.#keeper.start()
    await this.#service.start()
  }

  /** The first one is how the device joined. */
  async #noteCertificate(): Promise<void> {
    const { name, site, role, issued, expires, grant } = this.#components.peer.own.certificate
    const by = grant === undefined ? 'members' : 'token'
    await this.#keeper.state('certificate', { name, site, role, issued, expires, by })
  }

  async #noteGrants(): Promise<void> {
    const { own, state } = this.#components.peer
    const { accepted } = state
    if (accepted === undefined) return
    const { name, site } = own.certificate
    // Those with an end too, where there is no clock: they are written down when they are signed.
    const grants = grantsFor(accepted, { name, site }, this.#components.state.clock.reference)
    const ids = grants.map(({ id }) => id).join(', ')
    await this.#keeper.state('grants', { grants: ids, sha256: sha256Hex(Buffer.from(JSON.stringify(grants))) })
  }
}

/** What this device says of other logs than its own. */
export function forkedLogs({ evidence }: Pick<MeshPeer, 'evidence'>): Extensions {
  return forkedLogsExtension(evidence.standing('log').map(({ subject }) => subject))
}
