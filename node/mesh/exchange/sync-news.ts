/** News of one sync: what it brought and was new here, until this peer's neighbours are told. */

import { gossipedNews } from '../limits.ts'
import type { Gossip } from './gossip.ts'

export class SyncNews {
  readonly #gossip: Pick<Gossip, 'publishCertificate' | 'publishReport'>
  readonly #tell: (() => void)[] = []
  #isSpread = false

  constructor(gossip: Pick<Gossip, 'publishCertificate' | 'publishReport'>) {
    this.#gossip = gossip
  }

  addCertificate(envelope: Uint8Array): void {
    this.#add(() => this.#gossip.publishCertificate(envelope))
  }

  addReport(envelope: Uint8Array): void {
    this.#add(() => this.#gossip.publishReport(envelope))
  }

  /**
   * Tells the neighbours. A little goes by gossip. Neighbours mostly have what is much, from the same source or from
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
