/** The web page of a test's controller, which knows a fleet of any size: its processes are missing, its documents are real. */

import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { EventLog } from '../../controller/api/event-log.ts'
import { followFleet } from '../../controller/api/fleet-events.ts'
import { AuditTrail } from '../../controller/fleet/audit-trail.ts'
import { FleetHome } from '../../controller/fleet/fleet-home.ts'
import { Registrar } from '../../controller/members/registrar.ts'
import { TokenBook } from '../../controller/members/token-book.ts'
import type { Session } from '../../controller/session/session.ts'
import { Tasks } from '../../controller/tasks/tasks.ts'
import { PageServer } from '../../controller/web/page-server.ts'
import { SerialQueue } from '../../node/concurrency/serial-queue.ts'
import { testSigner } from './fleet.ts'
import { LargeFleet } from './large-fleet.ts'
import { silentLogger } from './log.ts'
import { Mesh, type TestPeer } from './mesh.ts'
import { testDirectory } from './state.ts'

export interface ServedPage {
  readonly page: PageServer
  readonly session: Session
  readonly fleet: LargeFleet
  readonly controller: TestPeer
  readonly events: EventLog
  readonly tasks: Tasks
  /** The address that lets one browser in. */
  open(): string
}

/** `codeClock` is that of one-time codes. */
export async function servedPage(
  t: { after(undo: () => Promise<void>): void },
  init: { devices: number; port?: number; codeClock?: () => number; reported?: boolean },
): Promise<ServedPage> {
  const mesh = await Mesh.of(t)
  const fleet = new LargeFleet(init.devices)
  const certificate = fleet.fleet.certify(testSigner('controller'), { name: 'ada', role: 'controller' })
  const controller = await mesh.start({
    word: 'controller',
    keepsDocuments: true,
    fleet: fleet.fleet,
    certificate,
    fill: ({ database }) => fleet.fill(database, init.reported === false ? undefined : 1),
  })
  const home = new FleetHome(fleet.fleet.fleet, await testDirectory(t))
  await mkdir(home.stateDirectory, { recursive: true, mode: 0o700 })
  const signing = new SerialQueue()
  const book = new TokenBook(home.directory)
  const peer = controller.door
  const registrar = new Registrar({ peer, book, keys: async () => fleet.fleet.keys, signing, log: silentLogger })
  const audit = await AuditTrail.open(peer.auditTable)
  await audit.follow(peer.state)
  const { directory } = home
  const session = { peer, home, directory, registrar, signing, audit, stop: async () => {} } as Session
  const events = new EventLog()
  followFleet(session, events)
  const tasks = await Tasks.open(join(home.stateDirectory, 'tasks'))
  tasks.on('changed', task => events.append('task', task))
  mesh.after(() => tasks.interrupt())
  const about = { pid: process.pid, command: 'serve', project: home.directory }
  const page = await PageServer.start({
    api: { session, controller: about, events, tasks },
    port: init.port ?? 0,
    ...(init.codeClock && { codeClock: init.codeClock }),
  })
  mesh.after(() => page.stop())
  return {
    ...{ page, session, fleet, controller, events, tasks },
    open: () => `${page.address}#code=${page.codes.make()}`,
  }
}
