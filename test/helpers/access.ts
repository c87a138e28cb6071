/** Access to a test's peer: the services of a device on it, and a key for operators. */

import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DeviceGrants } from '../../node/access/device-grants.ts'
import { type ForwardLimits, ForwardService } from '../../node/access/forward-service.ts'
import { hostKeyOf } from '../../node/access/host-key.ts'
import { RecordingBook } from '../../node/access/recording-book.ts'
import { recordingsService } from '../../node/access/recordings-service.ts'
import { ScreenService } from '../../node/access/screen-service.ts'
import { SessionRecorder } from '../../node/access/session-recorder.ts'
import { SnapshotBook } from '../../node/access/snapshot-book.ts'
import { Snapshots } from '../../node/access/snapshots.ts'
import { SnapshotsService } from '../../node/access/snapshots-service.ts'
import { SshService, type SshServiceInit } from '../../node/access/ssh-service.ts'
import type { About } from '../../node/audit/log-keeper.ts'
import { type AccessGrant, withAccess } from '../../protocol/release/access.ts'
import type { Published } from '../../protocol/trust/publish.ts'
import { type TestFleet, testClosure, testConfig } from './fleet.ts'
import { silentLogger } from './log.ts'
import type { Mesh, TestPeer } from './mesh.ts'

export interface ServedAccess {
  /** The device's host key. */
  readonly hostKey: string
  /** The folder of sessions' files. */
  readonly place: string
  /** The folder of the sockets of its screens. */
  readonly screens: string
  /** The folder that says who watches them. */
  readonly watched: string
  /** The folder of its recordings. */
  readonly recordings: string
  /** Ends its sessions of SSH, as a daemon that stops. */
  readonly endSessions: () => Promise<void>
  /** Takes the snapshots of screens that are due by this plan. */
  readonly look: (plan: object) => Promise<void>
  /** What it has written into its witnessed log about them. */
  readonly pictured: readonly About[]
}

/** Starts what a device serves to operators; ends it with the test. */
export async function serveAccess(
  mesh: Pick<Mesh, 'directory' | 'after'>,
  device: TestPeer,
  { limits, ...init }: Pick<SshServiceInit, 'find' | 'loginMs'> & { limits?: ForwardLimits } = {},
): Promise<ServedAccess> {
  const { host, names, admission, streamLanes, state, own, peerState, fleet } = device
  const grants = new DeviceGrants({ state, own, clock: peerState.clock })
  const hostKey = hostKeyOf(peerState.identity.seed)
  const place = join(mesh.directory, `sessions-of-${device.word}`)
  const common = { host, names, admission, streamLanes, grants, log: silentLogger }
  const recordings = join(mesh.directory, `recordings-of-${device.word}`)
  const book = new RecordingBook(recordings)
  const recorder = new SessionRecorder({ book, members: device.directory, clock: peerState.clock })
  const ssh = new SshService({ ...common, hostKey, recorder }, { place, ...init })
  const recorded = recordingsService({ ...common, recordings: book })
  const forward = new ForwardService({ ...common, fleet, peer: device.identity.peerId }, limits)
  const screens = join(mesh.directory, `screens-of-${device.word}`)
  const watched = join(mesh.directory, `watched-of-${device.word}`)
  const screen = new ScreenService({ ...common, tickets: forward }, { place: screens, watched })
  const pictures = new SnapshotBook(join(mesh.directory, `snapshots-of-${device.word}`))
  const plan = join(mesh.directory, `plan-of-${device.word}.json`)
  const pictured: About[] = []
  const audited = async (_: string, about: About) => void pictured.push(about)
  const taking = { book: pictures, clock: peerState.clock, audited, log: silentLogger }
  const snapshots = new Snapshots(taking, { place: screens, plan })
  const given = new SnapshotsService({ ...common, tickets: forward, book: pictures })
  const look = async (wanted: object) => {
    await writeFile(plan, JSON.stringify(wanted))
    await snapshots.look()
  }
  for (const each of [ssh, forward, screen, recorded, given]) {
    await each.start()
    mesh.after(() => each.stop())
  }
  return { hostKey: hostKey.line, place, screens, watched, recordings, endSessions: () => ssh.stop(), look, pictured }
}

/** Publishes a release that binds these devices and grants this. */
export function publishAccess(fleet: TestFleet, devices: readonly string[], grants: readonly AccessGrant[]): Published {
  const bound = Object.fromEntries(devices.map(name => [name, { config: 'a' }]))
  const configs = { a: testConfig(testClosure('a')) }
  return fleet.release({ configs, devices: bound, extensions: withAccess(undefined, grants) })
}

/** Makes a key of OpenSSH in a file; gives `TYPE BASE64`. */
export function makeSshKey(file: string): string {
  spawnSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', file])
  return readFileSync(`${file}.pub`, 'utf8').split(' ').slice(0, 2).join(' ')
}

/** What a test may make wrong in a proof. */
export function signedBy(file: string, text: string, namespace: string): string {
  return spawnSync('ssh-keygen', ['-Y', 'sign', '-n', namespace, '-f', file], { input: text }).stdout.toString()
}
