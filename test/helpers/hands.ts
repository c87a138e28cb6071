/** A page with a device that lets its operator in: a real sshd, a key that is granted, and a browser that may be signed in. */

import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { EventLog } from '../../controller/api/event-log.ts'
import { followFleet } from '../../controller/api/fleet-events.ts'
import type { Session } from '../../controller/session/session.ts'
import { Tasks } from '../../controller/tasks/tasks.ts'
import { PageServer } from '../../controller/web/page-server.ts'
import type { AccessGrant } from '../../protocol/release/access.ts'
import { extendedReportKind } from '../../protocol/report/extended-report.ts'
import { hostKeyExtension } from '../../protocol/report/ssh-host-key.ts'
import { signEnvelope } from '../../protocol/signing/dsse.ts'
import { makeSshKey, publishAccess, type ServedAccess, serveAccess } from './access.ts'
import { testSigner } from './fleet.ts'
import { connect, documentsOf, liveFleet, Mesh, reportOf, type TestPeer } from './mesh.ts'
import { sessionOf } from './session.ts'
import { testDirectory } from './state.ts'
import { until } from './until.ts'

export interface Hands {
  readonly mesh: Mesh
  readonly page: PageServer
  /** The session of the controller that serves it. */
  readonly session: Session
  readonly device: TestPeer
  readonly controller: TestPeer
  readonly access: ServedAccess
  /** A folder of the test; the operator's home is in it. */
  readonly folder: string
  readonly grant: AccessGrant
  /** The device hears of other grants, and the controller of it: resolves when both have. */
  change(grants: readonly AccessGrant[]): Promise<void>
  /** The address that lets one browser in. */
  open(): string
}

/** The device is named device. HOME of this process leads to the operator's key until the test ends. */
export async function hands(t: Pick<TestContext, 'after'>, granted: Partial<AccessGrant> = {}): Promise<Hands> {
  const mesh = await Mesh.of(t as TestContext)
  const folder = await testDirectory(t as TestContext)
  await mkdir(join(folder, 'home/.ssh'), { recursive: true, mode: 0o700 })
  const line = makeSshKey(join(folder, 'home/.ssh/id_ed25519'))
  const { HOME, SSH_AUTH_SOCK } = process.env
  process.env.HOME = join(folder, 'home')
  delete process.env.SSH_AUTH_SOCK
  t.after(() => Object.assign(process.env, { HOME, ...(SSH_AUTH_SOCK && { SSH_AUTH_SOCK }) }))
  const grant: AccessGrant = {
    ...{ id: 'ada-1', operator: 'ada', keys: [line], devices: ['device'], users: ['root'] },
    may: ['shell', 'exec', 'files'],
    ...granted,
  }
  const fleet = liveFleet()
  publishAccess(fleet, ['device'], [grant])
  const device = await mesh.start({ word: 'device', fleet })
  const controller = await mesh.start({
    ...{ word: 'controller', fleet },
    certificate: ({ age: { recipient } }) =>
      fleet.certify(testSigner('controller'), { name: 'ada', role: 'controller', age: recipient }),
  })
  const access = await serveAccess(mesh, device)
  await connect(device, controller)
  const extended = {
    ...{ v: 2 as const, fleet: fleet.fleet, peer: device.identity.peerId, counter: 2 },
    ...{ report: reportOf(device, 1), extensions: hostKeyExtension(access.hostKey) },
  }
  await controller.directory.addReport(signEnvelope(extendedReportKind, extended, device.signer))
  const session = await sessionOf(controller, fleet, folder)
  const tasks = await Tasks.open(join(session.home.stateDirectory, 'tasks'))
  mesh.after(() => tasks.interrupt())
  const about = { pid: process.pid, command: 'serve', project: folder }
  const events = new EventLog()
  followFleet(session, events)
  const page = await PageServer.start({ api: { session, controller: about, events, tasks }, port: 0 })
  mesh.after(() => page.stop())
  const change = async (grants: readonly AccessGrant[]) => {
    const published = publishAccess(fleet, ['device'], grants)
    const { release } = await device.state.accept(published.trusted, documentsOf(fleet))
    // It reads out of the release which key to log in with, and whether the session is recorded.
    const heard = () => (controller.state.accepted?.release.version ?? 0) >= release.version
    await until(heard, 'the controller to hear of the grants')
  }
  return {
    mesh,
    page,
    session,
    device,
    controller,
    access,
    folder,
    grant,
    change,
    open: () => `${page.address}#code=${page.codes.make()}`,
  }
}
