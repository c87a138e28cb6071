/** Documents of version 2, made with fixed keys and times; `node test/helpers/extended-fixtures.ts` writes them to `test/fixtures/v2/`. */

import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { decodeOutbox, encodeOutbox } from '../../protocol/bundle/outbox.ts'
import { shardCodec, shardManifestCodec } from '../../protocol/release/shards.ts'
import { splitRelease } from '../../protocol/release/split-release.ts'
import { extendedReportKind } from '../../protocol/report/extended-report.ts'
import { reportKind } from '../../protocol/report/report.ts'
import { signEnvelope } from '../../protocol/signing/dsse.ts'
import { peerIdOf } from '../../protocol/signing/peer-id.ts'
import { type Fixture, plain } from './fixture.ts'
import { metadata, signed } from './fixtures.ts'
import { testClosure, testConfig, testFleet, testSigner } from './fleet.ts'
import { reportOf } from './report-samples.ts'
import { tinyPng } from './service-fixtures.ts'
import { shardedSample } from './sharded.ts'

export const extendedFixturesDirectory = join(import.meta.dirname, '../fixtures/v2')

/** Every type of value that an extension may have. */
export const sampleExtensions = {
  budget: { day: 5_000_000, used: [1, 2, 3], note: 'until noon', over: false, since: null },
  hub: 'north',
}

export function makeExtendedFixtures(): Fixture[] {
  const fleet = testFleet()
  const device = testSigner('device')
  const peer = peerIdOf(device.publicKey)
  const report = reportOf(fleet.fleet, peer)
  const extended = {
    v: 2 as const,
    fleet: fleet.fleet,
    peer,
    counter: report.counter + 1,
    report: signEnvelope(reportKind, report, device),
    extensions: { ...sampleExtensions, head: Uint8Array.of(1, 2, 3) },
  }
  const { trusted } = fleet.release({
    configs: { kiosk: testConfig(testClosure('kiosk')) },
    devices: { 'kiosk-1': { config: 'kiosk' } },
    extensions: { values: sampleExtensions, critical: ['budget'] },
  })
  const { targets } = trusted as Required<typeof trusted>
  const { documents } = splitRelease({ ...shardedSample(4), rollout: { waves: [{ count: 1 }] } })
  const [manifest = noBytes, shard = noBytes] = documents
  return [
    plain('shard-manifest', shardManifestCodec, shardManifestCodec.decode(manifest)),
    plain('shard', shardCodec, shardCodec.decode(shard)),
    signed('report', extendedReportKind, signEnvelope(extendedReportKind, extended, device), device),
    metadata('targets', 'targets', targets),
    {
      name: 'outbox.cbor',
      format: 'outbox',
      bytes: encodeOutbox(
        {
          ...{ v: 2, fleet: fleet.fleet, peer, certificates: [], reports: [extended.report], history: [], logs: [] },
          metrics: [Buffer.from('packed')],
        },
        device,
      ),
      decode: decodeOutbox,
      again: bytes => encodeOutbox(decodeOutbox(bytes), device),
    },
    {
      name: 'outbox-snapshots.cbor',
      format: 'outbox',
      bytes: encodeOutbox(
        {
          ...{ v: 3, fleet: fleet.fleet, peer, certificates: [], reports: [], history: [], logs: [], metrics: [] },
          snapshots: [{ screen: 'kiosk', taken: '2026-01-31T12:00:00Z', png: tinyPng }],
        },
        device,
      ),
      decode: decodeOutbox,
      again: bytes => encodeOutbox(decodeOutbox(bytes), device),
    },
  ]
}

const noBytes = new Uint8Array()

if (import.meta.main) {
  await mkdir(extendedFixturesDirectory, { recursive: true })
  for (const { name, bytes } of makeExtendedFixtures()) await writeFile(join(extendedFixturesDirectory, name), bytes)
}
