/** Lets operators in, by the grants of the releases: SSH, forwarded connections and screens. */

import { join } from 'node:path'
import type { CarriedSnapshot } from '../../protocol/messages/snapshots.ts'
import { DeviceGrants } from '../access/device-grants.ts'
import { ForwardService } from '../access/forward-service.ts'
import type { HostKey } from '../access/host-key.ts'
import { RecordingBook } from '../access/recording-book.ts'
import { recordingsService } from '../access/recordings-service.ts'
import { ScreenService } from '../access/screen-service.ts'
import { SessionRecorder } from '../access/session-recorder.ts'
import { SnapshotBook } from '../access/snapshot-book.ts'
import { Snapshots } from '../access/snapshots.ts'
import { SnapshotsService } from '../access/snapshots-service.ts'
import { SshService } from '../access/ssh-service.ts'
import type { Audited } from '../audit/log-keeper.ts'
import type { MeshPeer } from '../peer/mesh-peer.ts'
import type { Logger } from '../process/log.ts'
import type { Settings } from '../settings/settings.ts'
import type { PeerState } from '../state/peer-state.ts'

export interface StartedAccess {
  /** What a stick takes home of its screens: the newest snapshot of each, if anybody may look at them. */
  readonly snapshots: () => Promise<CarriedSnapshot[]>
  readonly stop: () => Promise<void>
}

export async function startAccess(
  peer: MeshPeer,
  { clock }: Pick<PeerState, 'clock'>,
  settings: Settings,
  { hostKey, audited }: { hostKey: HostKey; audited: Audited | undefined },
  log: Logger,
): Promise<StartedAccess> {
  const { host, names, admission, streamLanes, state, own, fleet, identity } = peer
  const grants = new DeviceGrants({ state, own, clock })
  // Beside the state where another user runs the daemon, or for another root.
  const isMachine = settings.root === undefined && process.getuid?.() === 0
  const [sessions, screens, watched] = isMachine
    ? ['/run/thymesh-sessions', '/run/thymesh-screens', '/run/thymesh-watched']
    : [join(settings.state, 'ssh'), join(settings.state, 'screens'), join(settings.state, 'watched')]
  const book = new RecordingBook(join(settings.state, 'recordings'))
  const recorder = new SessionRecorder({ book, members: peer.directory, clock })
  const asked = { host, names, admission, streamLanes, audited, log }
  const ssh = new SshService({ ...asked, grants, hostKey, recorder }, { place: sessions })
  const recordings = recordingsService({ host, names, admission, recordings: book, log })
  const forward = new ForwardService({ ...asked, grants, fleet, peer: identity.peerId })
  const screen = new ScreenService({ ...asked, tickets: forward }, { place: screens, watched })
  const pictures = new SnapshotBook(join(settings.state, 'snapshots'))
  const snapshots = new Snapshots(
    { book: pictures, clock, audited, log },
    { place: screens, plan: join(settings.root ?? '/', 'etc/thymesh-screens.json') },
  )
  const given = new SnapshotsService({ host, names, admission, tickets: forward, book: pictures, audited, log })
  const parts = [ssh, forward, screen, recordings, given, snapshots]
  for (const part of parts) await part.start()
  return {
    snapshots: async () => (grants.showsScreens ? await pictures.newest() : []),
    stop: async () => {
      for (const part of parts.toReversed()) await part.stop()
    },
  }
}
