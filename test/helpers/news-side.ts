/** One side of rounds of news, in memory: it takes reports as the directory does, and has its members from a large fleet. */

import { Holdings } from '../../node/mesh/exchange/holdings.ts'
import { NewsBook } from '../../node/mesh/exchange/news-book.ts'
import { NewsRound } from '../../node/mesh/exchange/news-round.ts'
import { type Certificate, readCertificate } from '../../protocol/members/certificate.ts'
import { type OpenedReport, openReport, verifyOpened } from '../../protocol/report/extended-report.ts'
import type { LargeFleet } from './large-fleet.ts'

export class NewsSide {
  readonly book = new NewsBook()
  readonly holdings = new Holdings()
  /** Whose reports it has taken from others. */
  readonly taken: string[] = []
  /** Of how many reports it was told in vain. */
  inVain = 0
  readonly #fleet: string
  readonly #members = new Map<string, Certificate>()
  readonly #reports = new Map<string, OpenedReport>()

  constructor(large: LargeFleet) {
    this.#fleet = large.fleet.fleet
    for (const { certificate, peer } of large.devices) {
      this.#members.set(peer, readCertificate(certificate))
      this.holdings.set(peer, 0, 0)
    }
  }

  counter(peer: string): number {
    return this.#reports.get(peer)?.document.counter ?? 0
  }

  forget(peer: string): void {
    this.#members.delete(peer)
    this.#reports.delete(peer)
    this.holdings.delete(peer)
  }

  /** Takes a report, and tells it on; to all neighbours but `from`. */
  take(envelope: Uint8Array, from?: string): void {
    const opened = openReport(envelope)
    const { peer, counter } = opened.document
    if (!this.#members.has(peer) || counter <= this.counter(peer)) return
    this.book.add([peer, counter], this.#reports.get(peer)?.envelope, from)
    this.#reports.set(peer, opened)
  }

  round(neighbour: string): NewsRound {
    this.book.open(neighbour)
    const directory = {
      report: (peer: string) => this.#reports.get(peer),
      member: (peer: string) => {
        const certificate = this.#members.get(peer)
        return certificate && ({ ...certificate, report: { counter: this.counter(peer) } } as never)
      },
    }
    const add = async (envelope: Uint8Array, from: string) => {
      this.taken.push(verifyOpened(envelope, this.#fleet).document.peer)
      this.take(envelope, from)
    }
    const toldInVain = (_: string, count: number) => {
      this.inVain += count
    }
    return new NewsRound({ directory, holdings: this.holdings, book: this.book, add, toldInVain }, neighbour)
  }
}
