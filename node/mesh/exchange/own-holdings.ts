/** The holdings of this peer, for sync by ranges: they follow the directory, change by change. */

import { sha256 } from '../../../protocol/encoding/hash.ts'
import { type Head, headCodec } from '../../../protocol/messages/messages.ts'
import { type Opening, printLength } from '../../../protocol/messages/ranges.ts'
import type { FleetState } from '../../state/fleet-state.ts'
import type { Directory } from './directory.ts'
import { Holdings, rankNumber } from './holdings.ts'

export interface OwnHoldingsComponents {
  state: Pick<FleetState, 'head'>
  directory: Pick<Directory, 'members' | 'member' | 'on' | 'off'>
}

export class OwnHoldings {
  readonly holdings = new Holdings()
  readonly #components: OwnHoldingsComponents
  readonly #noteMember = ({ peer }: { peer: string }) => this.#note(peer)
  /** It may be a member again by now: a directory says what it forgot when that is deleted on disk. */
  readonly #noteForgotten = (peer: string) => this.#note(peer)

  constructor(components: OwnHoldingsComponents) {
    this.#components = components
  }

  start(): void {
    const { directory } = this.#components
    directory.on('certificate', this.#noteMember)
    directory.on('report', this.#noteMember)
    directory.on('forgotten', this.#noteForgotten)
    directory.on('lost', this.#noteForgotten)
    for (const { peer } of directory.members()) this.#note(peer)
  }

  stop(): void {
    const { directory } = this.#components
    directory.off('certificate', this.#noteMember)
    directory.off('report', this.#noteMember)
    directory.off('forgotten', this.#noteForgotten)
    directory.off('lost', this.#noteForgotten)
  }

  /** What this peer opens a sync with, and the head in it. */
  opening(): { opening: Opening; head: Head | undefined } {
    const { head } = this.#components.state
    const printOfHead = head && sha256(headCodec.encode(head)).subarray(0, printLength)
    return { opening: { print: this.holdings.printOfAll, ...(printOfHead && { head: printOfHead }) }, head }
  }

  #note(peer: string): void {
    const member = this.#components.directory.member(peer)
    if (member === undefined) this.holdings.delete(peer)
    else this.holdings.set(member.peer, rankNumber(member), member.report?.counter ?? 0)
  }
}
