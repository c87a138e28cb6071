/** A controller's session on a real peer of this process, with a fleet's keys: what commands and the API work with. */

import { mkdir } from 'node:fs/promises'
import type { TestContext } from 'node:test'
import { AuditTrail } from '../../controller/fleet/audit-trail.ts'
import { FleetHome } from '../../controller/fleet/fleet-home.ts'
import { Registrar } from '../../controller/members/registrar.ts'
import { TokenBook } from '../../controller/members/token-book.ts'
import type { Session } from '../../controller/session/session.ts'
import { SerialQueue } from '../../node/concurrency/serial-queue.ts'
import { type TestFleet, testSigner } from './fleet.ts'
import { silentLogger } from './log.ts'
import { connect, gossiping, liveFleet, Mesh, reportOf, type TestPeer } from './mesh.ts'
import { testDirectory } from './state.ts'

export interface TestSession {
  readonly session: Session
  readonly fleet: TestFleet
  readonly mesh: Mesh
  readonly controller: TestPeer
  /** Named device-1 and so on; not connected to anybody but the controller. */
  readonly devices: readonly TestPeer[]
}

/** A controller with devices that have reported once. */
export async function testSession(t: TestContext, devices = 1): Promise<TestSession> {
  const mesh = await Mesh.of(t)
  const fleet = liveFleet()
  const certificate = fleet.certify(testSigner('controller'), { name: 'ada', role: 'controller' })
  const controller = await mesh.start({ word: 'controller', fleet, certificate })
  const session = await sessionOf(controller, fleet, await testDirectory(t))
  const made: TestPeer[] = []
  for (let each = 1; each <= devices; each++) {
    const device = await mesh.start({ word: `device-${each}`, fleet })
    await connect(device, controller)
    await gossiping([device, controller])
    await report(controller, device, 1)
    made.push(device)
  }
  return { session, fleet, mesh, controller, devices: made }
}

/** The session of a peer that is a controller, with an operator's folder in this one. */
export async function sessionOf(controller: TestPeer, fleet: TestFleet, folder: string): Promise<Session> {
  const peer = controller.door
  const home = new FleetHome(fleet.fleet, folder)
  await mkdir(home.stateDirectory, { recursive: true, mode: 0o700 })
  const book = new TokenBook(home.directory)
  const signing = new SerialQueue()
  const registrar = new Registrar({ peer, book, keys: async () => fleet.keys, signing, log: silentLogger })
  const audit = await AuditTrail.open(peer.auditTable)
  await audit.follow(peer.state)
  return { peer, home, registrar, signing, audit, stop: async () => {} } as unknown as Session
}

/** A report of the device reaches the controller. */
export async function report(controller: TestPeer, device: TestPeer, counter: number): Promise<void> {
  await controller.directory.addReport(reportOf(device, counter))
}
