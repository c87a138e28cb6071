/**
 * What messages of news take on the wire: the project's codecs and compression, of reports as devices sign them in an update. Sizes
 * are worked out once for each number of reports in a message.
 */

import { signReport } from '../../node/device/device-report.ts'
import { packItems } from '../../node/mesh/exchange/pack-items.ts'
import { timeText } from '../../protocol/encoding/fields.ts'
import { limits } from '../../protocol/limits.ts'
import { newsCodec, newsKeyLength, newsPrintLength, newsReportsCodec } from '../../protocol/messages/news.ts'
import { metricsExtension } from '../../protocol/metrics/reported.ts'
import { openReport } from '../../protocol/report/extended-report.ts'
import type { Report } from '../../protocol/report/report.ts'
import { ownExtensions } from '../../protocol/report/understands.ts'
import { logHeadExtension } from '../../protocol/report/witnessed-log.ts'
import type { LargeDevice, LargeFleet } from '../helpers/large-fleet.ts'

/** A message's length, and frames of its stream and of the cipher, as the calibration of syncs has them. */
const messageBytes = 4 + 12 + 18

/** How many are told, wanted, and sent in a message: as differences to the report before, and whole. */
export interface Said {
  readonly told?: number
  readonly wants?: number
  readonly differences?: number
  readonly whole?: number
}

export class ReportSizes {
  /** Bytes of zstd of so many reports. */
  readonly #differences: readonly number[]
  readonly #whole: readonly number[]

  private constructor(differences: readonly number[], whole: readonly number[]) {
    this.#differences = differences
    this.#whole = whole
  }

  static async of(large: LargeFleet): Promise<ReportSizes> {
    const before = large.devices.slice(0, limits.newsTold).map(device => signed(large, device, 1))
    const after = large.devices.slice(0, limits.newsTold).map(device => signed(large, device, 2))
    const differences = [0]
    const whole = [0]
    for (let count = 1; count <= after.length; count++) {
      const contents = newsReportsCodec.encode(after.slice(0, count))
      differences.push((await packItems(contents, newsReportsCodec.encode(before.slice(0, count)))).length)
      whole.push((await packItems(contents)).length)
    }
    return new ReportSizes(differences, whole)
  }

  /** Bytes of one message. */
  message({ told = 0, wants = 0, differences = 0, whole = 0 }: Said): number {
    const sent = sizeOf(this.#differences, differences) + sizeOf(this.#whole, whole)
    const places = Array.from({ length: Math.min(whole, limits.newsTold) }, (_, place) => place)
    const encoded = newsCodec.encode({
      ...(told > 0 && { told: Array.from({ length: told }, () => [key, 1000] as [Uint8Array, number]) }),
      ...(wants > 0 && { wants: Array.from({ length: wants }, (_, at) => [at, print] as [number, Uint8Array]) }),
      ...(sent > 0 && {
        reports: {
          packed: new Uint8Array(sent),
          unpacked: 1400 * (differences + whole),
          ...(whole > 0 && { whole: places }),
        },
      }),
    })
    return encoded.length + messageBytes
  }
}

const key = new Uint8Array(newsKeyLength)
const print = new Uint8Array(newsPrintLength)

/** Of more than were measured, in proportion. */
function sizeOf(sizes: readonly number[], count: number): number {
  const most = sizes.length - 1
  return count <= most ? (sizes[count] as number) : Math.round(((sizes[most] as number) * count) / most)
}

/** A report as a device signs it in an update, with what it measures and the head of its log. */
function signed(large: LargeFleet, device: LargeDevice, counter: number): Uint8Array {
  const at = timeText(new Date(large.fleet.now.getTime() + counter * 7000 + device.name.length))
  const states: Report['state'][] = ['waiting', 'committing', 'running']
  const { extensions: _none, ...plain } = openReport(
    large.report(device, 2 * counter, { at, state: states[counter] ?? 'running' }),
  ).document
  const seed = counter * 7 + Number(device.name.slice(-3))
  const measured = metricsExtension({
    cpu: 3 + (seed % 5),
    memory: 300_000_000 + seed * 131_072,
    disk: 8_000_000_000 + seed * 4096,
    load: (seed % 40) / 100,
    'failed-units': 0,
    uptime: 977 * seed,
  })
  const root = Uint8Array.from({ length: 32 }, (_, byte) => (seed * (byte + 3)) % 251)
  const signature = Uint8Array.from({ length: 64 }, (_, byte) => (seed * (byte + 11)) % 241)
  const head = logHeadExtension({ size: 100 + counter, root, signature })
  return signReport({ ...plain, counter: 2 * counter }, device.signer, {
    extensions: { ...ownExtensions, ...measured, ...head },
    counter: 2 * counter + 1,
  })
}
