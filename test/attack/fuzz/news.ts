/** Fuzz target: rounds of news, answered by a side that has reports of two devices. */

import { zstdCompressSync } from 'node:zlib'
import { memberKey } from '../../../node/mesh/exchange/holdings.ts'
import { NewsError } from '../../../node/mesh/exchange/news-round.ts'
import { Channel, ChannelError } from '../../../node/mesh/transport/channel.ts'
import { StreamError } from '../../../node/mesh/transport/stream-io.ts'
import { FormatError } from '../../../protocol/encoding/cbor.ts'
import { type News, newsCodec, newsKeyLength, newsReportsCodec } from '../../../protocol/messages/news.ts'
import { ReportError } from '../../../protocol/report/report.ts'
import { LargeFleet } from '../../helpers/large-fleet.ts'
import { NewsSide } from '../../helpers/news-side.ts'
import { testStreams } from '../../helpers/streams.ts'
import { framed } from '../wire.ts'
import type { Target } from './target.ts'

const large = new LargeFleet(2)
const known = large.devices.map(device => large.report(device, 1))
const next = large.devices.map(device => large.report(device, 2))

const told: NonNullable<News['told']> = large.devices.map(({ peer }) => [
  Uint8Array.from(memberKey(peer).subarray(0, newsKeyLength)),
  2,
])

function sent(dictionary?: Uint8Array): NonNullable<News['reports']> {
  const contents = newsReportsCodec.encode(next)
  const packed = Uint8Array.from(zstdCompressSync(contents, { ...(dictionary && { dictionary }) }))
  return { packed, unpacked: contents.length }
}

/** Messages of who begins a round, as they follow each other on the stream. */
function rounds(...messages: News[]): Uint8Array {
  return Buffer.concat(messages.map(message => framed(newsCodec.encode(message))))
}

export const newsTargets: Target[] = [
  {
    name: 'news stream',
    seeds: [
      rounds({}, {}),
      rounds({ told }, { reports: sent(newsReportsCodec.encode(known)) }),
      rounds({ told }, { reports: { ...sent(), whole: [0, 1] }, wants: [[0, new Uint8Array(8)]] }),
      rounds({ told, again: [told[0]?.[0] ?? new Uint8Array(6)] }, {}),
      rounds({}, { wants: [[0, new Uint8Array()]] }),
    ],
    refusals: [FormatError, ReportError, ChannelError, StreamError, NewsError],
    run: async bytes => {
      const side = new NewsSide(large)
      side.round('fuzz')
      for (const report of known) side.take(report)
      const [ours, theirs] = testStreams()
      try {
        const channel = new Channel(theirs)
        ours.send(bytes)
        void ours.close().catch(() => {})
        for (;;) await side.round('fuzz').answer(channel, await channel.receive(newsCodec))
      } finally {
        ours.abort(new Error('done'))
        theirs.abort(new Error('done'))
      }
    },
  },
]
