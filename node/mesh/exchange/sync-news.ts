/** News of one sync: what it brought and was new here, until this peer's neighbours are told. */

import type { OpenedReport } from '../../../protocol/report/extended-report.ts'
import { gossipedNews } from '../limits.ts'

/** How neighbours are told of one document. */
export interface SpreadOne {
  certificate(envelope: Uint8Array): void
  /** `before` is the last known report of the same device. */
  report(envelope: Uint8Array, before: OpenedReport | undefined): void
}

export class SyncNews {
  readonly #one: SpreadOne
  readonly #tell: (() => void)[] = []
  #isSpread = false

  constructor(one: SpreadOne) {
    this.#one = one
  }

  addCertificate(envelope: Uint8Array): void {
    this.#add(() => this.#one.certificate(envelope))
  }

  addReport(envelope: Uint8Array, before: OpenedReport | undefined): void {
    this.#add(() => this.#one.report(envelope, before))
  }

  /**
   * Tells the neighbours. A little is told at once. Neighbours mostly have what is much, from the same source or from
   * before, and `offer`, a sync with each, shows that in a few bytes.
   */
  spread(offer: () => void): void {
    this.#isSpread = true
    const news = this.#tell.splice(0)
    if (news.length > gossipedNews) offer()
    else for (const tell of news) tell()
  }

  /** What has waited for the pace of its author comes after the rest was spread, and is told by itself. */
  #add(tell: () => void): void {
    if (this.#isSpread) tell()
    else this.#tell.push(tell)
  }
}
