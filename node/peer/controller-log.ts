/**
 * The witnessed log of a controller: what was ordered and opened by it. It is opened when something is written or asked for;
 * its head stands in reports where this controller writes some, so that others are witnesses.
 */

import type { LogHead } from '../../protocol/audit/log-head.ts'
import type { Extensions } from '../../protocol/encoding/extensions.ts'
import { messageOf } from '../../protocol/errors.ts'
import type { AuditEntries, AuditProofs } from '../../protocol/messages/audit.ts'
import { logHeadExtension } from '../../protocol/report/witnessed-log.ts'
import { AuditService, auditEntriesOf, auditProofsOf } from '../audit/audit-service.ts'
import { type Audited, LogKeeper } from '../audit/log-keeper.ts'
import { WitnessedLog } from '../audit/witnessed-log.ts'
import type { Logger } from '../process/log.ts'
import type { PeerState } from '../state/peer-state.ts'
import { agent } from './mesh-parts.ts'
import type { MeshPeer } from './mesh-peer.ts'

export interface ControllerLogComponents {
  readonly peer: Pick<MeshPeer, 'fleet' | 'identity' | 'host' | 'names' | 'admission'>
  readonly state: Pick<PeerState, 'database' | 'clock'>
  readonly log: Logger
}

interface Opened {
  readonly witnessed: WitnessedLog
  readonly keeper: LogKeeper
}

export class ControllerLog {
  readonly #components: ControllerLogComponents
  readonly #report: () => void
  #opened: Promise<Opened> | undefined
  /** The same, once it is there. */
  #keeper: LogKeeper | undefined
  #service: AuditService | undefined

  /** `report` writes a report with the newest head, where this controller writes reports. */
  constructor(components: ControllerLogComponents, report: () => void) {
    this.#components = components
    this.#report = report
  }

  /** Tells it what was done. Resolves when that is on disk; never rejects. */
  readonly audited: Audited = async (what, about) => {
    try {
      await (await this.#open()).keeper.audited(what, about)
    } catch (thrown) {
      this.#components.log.error({ reason: messageOf(thrown) }, 'the log of this controller was not written')
    }
  }

  /** A controller that stays: its start is written down, and from now on the jumps of its clock. */
  async stays(command: string): Promise<void> {
    await this.audited('controller-started', { version: agent, command })
    this.#keeper?.start()
  }

  /** The signed head of what is on disk; undefined while nothing is. Throws a FormatError where it can't be read. */
  async head(): Promise<LogHead | undefined> {
    return (await this.#open()).keeper.head
  }

  async entries(range: { from: number; to: number }): Promise<AuditEntries> {
    return await auditEntriesOf((await this.#open()).witnessed, range)
  }

  async proofs(about: { of: number[]; to: number }): Promise<AuditProofs> {
    return await auditProofsOf((await this.#open()).witnessed, about)
  }

  /** What reports say of it. */
  get extensions(): Extensions {
    const head = this.#keeper?.head
    return head === undefined ? {} : logHeadExtension(head)
  }

  /** Serves it to other controllers. */
  async start(): Promise<void> {
    const { peer, log } = this.#components
    const { host, names, admission } = peer
    try {
      const { witnessed } = await this.#open()
      this.#service = new AuditService({ host, names, admission, witnessed, log })
      await this.#service.start()
    } catch (thrown) {
      log.error({ reason: messageOf(thrown) }, 'no log of this controller: it could not be opened')
    }
  }

  async stop(): Promise<void> {
    await this.#service?.stop()
    await (await this.#opened?.catch(() => undefined))?.keeper.stop()
  }

  #open(): Promise<Opened> {
    this.#opened ??= this.#make()
    return this.#opened
  }

  async #make(): Promise<Opened> {
    const { peer, state, log } = this.#components
    const { fleet, identity } = peer
    const witnessed = await WitnessedLog.open(state.database)
    const keeper = new LogKeeper(
      { witnessed, fleet, signer: identity.signer, clock: state.clock, log },
      { report: this.#report },
    )
    this.#keeper = keeper
    return { witnessed, keeper }
  }
}
