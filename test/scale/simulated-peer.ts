/** A peer in virtual time: it holds documents as a real one does, and syncs by the project's own code and messages. */

import { constants, zstdCompressSync } from 'node:zlib'
import { Holdings, rankNumber } from '../../node/mesh/exchange/holdings.ts'
import { type Lacking, Reconciliation, shortPrints } from '../../node/mesh/exchange/reconciliation.ts'
import type { Certificate } from '../../protocol/members/certificate.ts'
import type { SyncContent } from '../../protocol/messages/messages.ts'
import {
  batchCodec,
  batchContentsCodec,
  openingCodec,
  type Ranges,
  rangesCodec,
} from '../../protocol/messages/ranges.ts'
import type { Report } from '../../protocol/report/report.ts'

/** A signed document, and what it says. */
export interface Signed<T> {
  readonly document: T
  readonly envelope: Uint8Array
}

/**
 * Bytes on the wire beside the messages, both ways: a stream's opening and closing, and each message's length, frame of the
 * stream and of the cipher. The calibration compares them with real sockets.
 */
const streamBytes = 320
const writeBytes = 12 + 18
const messageBytes = 4 + writeBytes
const batchItems = 64

export class SimulatedPeer {
  readonly holdings = new Holdings()
  readonly certificates = new Map<string, Certificate>()
  readonly reports = new Map<string, Signed<Report>>()
  readonly #certified = new Map<string, Uint8Array>()

  addCertificate({ document, envelope }: Signed<Certificate>): boolean {
    const known = this.certificates.get(document.peer)
    if (known !== undefined && rankNumber(known) >= rankNumber(document)) return false
    this.certificates.set(document.peer, document)
    this.#certified.set(document.peer, envelope)
    this.#note(document.peer)
    return true
  }

  /** As the directory does: of members only, and never an older one. */
  addReport(report: Signed<Report>): boolean {
    const { peer, counter } = report.document
    if (!this.certificates.has(peer)) return false
    if ((this.reports.get(peer)?.document.counter ?? 0) >= counter) return false
    this.reports.set(peer, report)
    this.#note(peer)
    return true
  }

  /** What another lacks, as it is sent. */
  itemsFor(lacking: ReadonlyMap<string, Lacking>): SyncContent[] {
    return [...lacking].flatMap(([peer, { certificate, report }]) => {
      const certified = certificate ? this.#certified.get(peer) : undefined
      const reported = report ? this.reports.get(peer) : undefined
      return [
        ...(certified === undefined ? [] : [{ certificate: certified, peer }]),
        ...(reported === undefined ? [] : [{ report: reported.envelope }]),
      ]
    })
  }

  /** Takes what another has of these members: the envelopes were verified when they were made. */
  take(from: SimulatedPeer, lacking: ReadonlyMap<string, Lacking>): string[] {
    const news: string[] = []
    for (const [peer, lacks] of lacking) {
      const [document, envelope] = [from.certificates.get(peer), from.#certified.get(peer)]
      if (lacks.certificate && document !== undefined && envelope !== undefined) {
        this.addCertificate({ document, envelope })
      }
      const report = lacks.report ? from.reports.get(peer) : undefined
      if (report !== undefined && this.addReport(report)) news.push(peer)
    }
    return news
  }

  #note(peer: string): void {
    const certificate = this.certificates.get(peer)
    if (certificate === undefined) return
    this.holdings.set(peer, rankNumber(certificate), this.reports.get(peer)?.document.counter ?? 0)
  }
}

export interface SimulatedSync {
  /** Both ways. */
  readonly bytes: number
  /** Peers of whom the asked one and the asking one have new reports. */
  readonly newToAsked: readonly string[]
  readonly newToAsking: readonly string[]
}

/**
 * One sync, as both sides speak it. A `liar` of the two says, for each turn, what the honest code would say, twisted.
 */
export function sync(
  asking: SimulatedPeer,
  asked: SimulatedPeer,
  lie?: { by: SimulatedPeer; twist: (said: Ranges) => Ranges },
): SimulatedSync {
  const wire = { bytes: streamBytes }
  const send = (encoded: Uint8Array) => {
    wire.bytes += encoded.length + messageBytes
    return encoded
  }
  const prints = shortPrints(asking.holdings.printOfAll, asked.holdings.printOfAll)
  const [one, other] = [new Reconciliation(asking.holdings, prints), new Reconciliation(asked.holdings, prints)]
  for (const side of [asked, asking])
    send(openingCodec.encode({ head: new Uint8Array(16), print: side.holdings.printOfAll }))
  // The second opening is in one write with what follows from that side, as the last turn is below, and the last batch.
  wire.bytes -= writeBytes
  if (!Buffer.from(asking.holdings.printOfAll).equals(asked.holdings.printOfAll)) {
    let said: Ranges | undefined = one.begin()
    for (let [by, next] = [asking, asked]; said !== undefined; [by, next] = [next, by]) {
      const spoken: Ranges = lie?.by === by ? lie.twist(said) : said
      said = (next === asked ? other : one).answer(rangesCodec.decode(send(rangesCodec.encode(spoken))))
    }
    wire.bytes -= writeBytes
  }
  for (const [from, lacking] of [
    [asking, one.lacking],
    [asked, other.lacking],
  ] as const) {
    const items = from.itemsFor(lacking)
    for (let at = 0; at < items.length; at += batchItems) send(packed(items.slice(at, at + batchItems)))
    send(batchCodec.encode({ noMore: true }))
    if (items.length > 0) wire.bytes -= writeBytes
  }
  return {
    bytes: wire.bytes,
    newToAsked: asked.take(asking, one.lacking),
    newToAsking: asking.take(asked, other.lacking),
  }
}

function packed(items: readonly SyncContent[]): Uint8Array {
  const contents = batchContentsCodec.encode([...items])
  const params = { [constants.ZSTD_c_compressionLevel]: 6 }
  return batchCodec.encode({
    packed: Uint8Array.from(zstdCompressSync(contents, { params })),
    unpacked: contents.length,
  })
}
