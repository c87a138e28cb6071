/** A fleet of any size, without its devices' processes: certificates and reports, and the state of a peer that knows them. */

import type { Database } from '../../node/state/database.ts'
import { timeText } from '../../protocol/encoding/fields.ts'
import { type Report, reportKind } from '../../protocol/report/report.ts'
import { signEnvelope } from '../../protocol/signing/dsse.ts'
import type { Signer } from '../../protocol/signing/keys.ts'
import { peerIdOf } from '../../protocol/signing/peer-id.ts'
import { type TestFleet, testClosure, testConfig, testRecipient, testSigner } from './fleet.ts'
import { liveFleet } from './mesh.ts'

export interface LargeDevice {
  readonly name: string
  readonly site: string
  readonly peer: string
  readonly signer: Signer
  readonly certificate: Uint8Array
}

const devicesPerSite = 20
const config = testConfig(testClosure('kiosk'))

export class LargeFleet {
  readonly fleet: TestFleet
  readonly devices: readonly LargeDevice[]

  /** With a release that assigns a config to all devices, in three waves. */
  constructor(size: number, name = 'orchard') {
    this.fleet = liveFleet(name)
    this.devices = Array.from({ length: size }, (_, at) => this.#device(at))
    this.fleet.release({
      configs: { kiosk: config },
      devices: Object.fromEntries(
        this.devices.map(({ name, site }, at) => [
          name,
          { config: 'kiosk', site, ...(at % 100 === 0 && { tags: ['canary'] }) },
        ]),
      ),
      rollout: { waves: [{ tag: 'canary' }, { onePerSite: true }, { percent: 25 }] },
    })
  }

  #device(at: number): LargeDevice {
    const name = `kiosk-${String(at).padStart(5, '0')}`
    const site = `site-${String(Math.floor(at / devicesPerSite)).padStart(3, '0')}`
    const signer = testSigner(name)
    const certificate = this.fleet.certify(signer, { name, site, age: testRecipient(name) })
    return { name, site, peer: peerIdOf(signer.publicKey), signer, certificate }
  }

  /** A report as of an idle device after an update. */
  report({ peer, signer }: LargeDevice, counter: number, more: Partial<Report> = {}): Uint8Array {
    const { fleet, now } = this.fleet
    const runs = { config: 'kiosk', running: config.topLevel, release: 2 }
    return idleReport({ fleet, peer, signer, now }, counter, { ...runs, ...more })
  }

  /** Makes a peer's state know all members, each with a report of this counter, or without any. */
  async fill(database: Database, counter: number | undefined): Promise<void> {
    const changes = this.devices.flatMap(device => [
      { table: 'members' as const, key: device.peer, value: device.certificate },
      ...(counter === undefined
        ? []
        : [{ table: 'reports' as const, key: device.peer, value: this.report(device, counter) }]),
    ])
    await database.apply(changes)
  }
}

/** A report as of an idle device that has made an update. */
export function idleReport(
  { fleet, peer, signer, now }: { fleet: string; peer: string; signer: Signer; now: Date },
  counter: number,
  more: Partial<Report>,
): Uint8Array {
  const at = timeText(now)
  const report: Report = {
    v: 1,
    fleet,
    peer,
    counter,
    freshness: 'fresh',
    boot: Buffer.from(peer).subarray(-8),
    at,
    state: 'running',
    since: at,
    health: { state: 'healthy' },
    update,
    ...more,
  }
  return signEnvelope(reportKind, report, signer)
}

const update: Report['update'] = {
  release: 2,
  milliseconds: 93_211,
  paths: 58,
  pathsDone: 58,
  needed: 74_112_334,
  fromStore: 31_000_221,
  fromControllers: 1_200_331,
  fromNeighbours: 41_000_112,
  fromElsewhere: 1_200_331,
  wire: 15_700_221,
  wasted: 0,
  bytesPerSecond: 812_334,
}
