/**
 * The benchmark's controller, a process of its own: founds a fleet, then publishes what it is told on standard input and
 * tells on standard output, in lines of JSON, who was admitted and what devices report.
 */

import { createInterface } from 'node:readline'
import { createFleet } from '../../../controller/fleet/create-fleet.ts'
import { makeJoinToken } from '../../../controller/members/token.ts'
import { openProject } from '../../../controller/project/project.ts'
import { releaseConfig } from '../../../controller/release/release-config.ts'
import { withReleaseShifts } from '../../../controller/release/release-shifts.ts'
import { submitChange } from '../../../controller/release/releasing.ts'
import { startSession } from '../../../controller/session/session.ts'
import type { Talk } from '../../../controller/tasks/talk.ts'
import { limitBufferPool } from '../../../node/process/buffer-pool.ts'
import { compilerPace } from '../../../node/process/compiler-pace.ts'
import { hashOfCid } from '../../../protocol/encoding/cid.ts'
import type { ReleasedConfig } from '../../../protocol/release/release.ts'
import type { Report } from '../../../protocol/report/report.ts'

/** Its inputs. `--settings` on its command line: where it works and listens. */
export interface ControllerSettings {
  readonly directory: string
  /** A multiaddr. */
  readonly listen: string
  /** Of each config that is published. */
  readonly policy?: ReleasedConfig['policy']
}

/** Device → top level; all devices of a release are named in it. */
export interface Order {
  readonly publish: Readonly<Record<string, string>>
}

export type DeviceNews = Pick<Report, 'state' | 'release' | 'error' | 'update'>

export interface Published {
  /** The release's version. */
  readonly published: number
  /** Milliseconds of the epoch, just before the head went out. */
  readonly at: number
  /** The time for describing the closures before that, and for comparing them with what devices run. */
  readonly describeSeconds: number
  /** Of the descriptors of its closures. */
  readonly descriptorBytes: number
}

export type News =
  | { readonly ready: { token: string; address: string } }
  | { readonly admitted: string; readonly peer: string }
  | { readonly report: DeviceNews; readonly device: string }
  | Published
  | { readonly failed: string }

const quietTalk: Talk = {
  note() {},
  detail() {},
  step() {},
  activities() {},
  progress() {},
  signal: new AbortController().signal,
}

const tell = (news: News) => process.stdout.write(`${JSON.stringify(news)}\n`)

// As the program does.
limitBufferPool()
compilerPace.hurry()
if (import.meta.main) await main(JSON.parse(process.argv[2] ?? '{}'))

async function main({ directory, listen, policy }: ControllerSettings): Promise<void> {
  process.env.THYMESH_HOME = `${directory}/home`
  const settings = { listen: [listen], mdns: false }
  await createFleet({
    directory: `${directory}/project`,
    name: 'bench',
    operator: 'bench',
    bootstrap: [listen],
    settings,
  })
  const project = await openProject(`${directory}/project`)
  const session = await startSession(project, { log: 'info' })
  const { peer, home } = session
  const keys = await home.keys()
  const nixKey = await home.nixKey()
  const grant = { fleet: project.fleet, names: '*', days: 1, certificateDays: 1, bootstrap: [] }
  const { token } = makeJoinToken(grant, [keys.members], new Date())

  peer.neighbours.on('admitted', ({ peer, certificate: { name } }) => tell({ admitted: name, peer }))
  peer.directory.on('report', report => {
    const name = peer.directory.certificates().find(each => each.peer === report.peer)?.name
    if (name === undefined) return
    const { state, release, error, update } = report
    tell({ report: { state, release, error, update }, device: name })
  })
  tell({ ready: { token, address: `${listen}/p2p/${peer.peerId}` } })

  const described = new Map<string, ReleasedConfig>()
  const carryOut = async (order: Order) => {
    const start = performance.now()
    const topLevels = [...new Set(Object.values(order.publish))]
    for (const topLevel of topLevels) {
      if (described.has(topLevel)) continue
      const built = { system: 'x86_64-linux', target: 'portable' as const, topLevel, ...(policy && { policy }) }
      described.set(topLevel, await releaseConfig(peer, built, nixKey))
    }
    const nameOf = (topLevel: string) => `config-${topLevels.indexOf(topLevel)}`
    const configs = topLevels.map(topLevel => [nameOf(topLevel), described.get(topLevel)])
    const devices = Object.entries(order.publish).map(([device, topLevel]) => [device, { config: nameOf(topLevel) }])
    const content = {
      message: 'bench',
      configs: Object.fromEntries(configs),
      devices: Object.fromEntries(devices),
    }
    const told = await withReleaseShifts(session, content, undefined, quietTalk)
    const describeSeconds = (performance.now() - start) / 1000
    const at = Date.now()
    const operator = { signers: await home.operatorKeys.signers(), now: new Date() }
    const outcome = await submitChange(session, { content: told, message: content.message }, operator)
    if (outcome.kind !== 'published') throw new Error('expected a release that needs one signature')
    const descriptors = topLevels.map(async topLevel => {
      const config = described.get(topLevel)
      return config === undefined ? 0 : ((await peer.state.document(hashOfCid(config.closure)))?.length ?? 0)
    })
    const descriptorBytes = (await Promise.all(descriptors)).reduce((sum, each) => sum + each, 0)
    tell({ published: outcome.release.version, at, describeSeconds, descriptorBytes })
  }
  const orders = createInterface({ input: process.stdin })
  orders.on('line', line => {
    carryOut(JSON.parse(line)).catch(error => tell({ failed: error instanceof Error ? error.message : String(error) }))
  })
  process.once('SIGTERM', () => void session.stop().finally(() => process.exit(0)))
}
