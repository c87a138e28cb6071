/**
 * Serves SSH to controllers over the mesh: each stream gets an sshd of its own, which knows the keys that are granted now. A
 * session ends when its grant does, when its peer is no controller any more, and with the daemon.
 */

import { chmod, mkdir, rm } from 'node:fs/promises'
import type { Connection, PeerId, Stream } from '@libp2p/interface'
import { messageOf, ThymeshError } from '../../protocol/errors.ts'
import { type AccessRefusal, accessVerdictCodec, sshHelloCodec } from '../../protocol/messages/access.ts'
import type { ProtocolNames } from '../../protocol/messages/messages.ts'
import type { KeyRights } from '../../protocol/release/access.ts'
import { sshFingerprint } from '../../protocol/release/ssh-key.ts'
import type { Audited } from '../audit/log-keeper.ts'
import type { StreamLanes } from '../mesh/lane/stream-lanes.ts'
import { streamsPerPeer } from '../mesh/limits.ts'
import type { Admission } from '../mesh/peers/admission.ts'
import { Channel } from '../mesh/transport/channel.ts'
import type { Host } from '../mesh/transport/host.ts'
import type { Logger } from '../process/log.ts'
import type { DeviceGrants } from './device-grants.ts'
import type { HostKey } from './host-key.ts'
import { loginMs, recheckMs, sessionMs, sessionsAtOnce, sessionsPerPeer } from './limits.ts'
import { RecordError } from './recording.ts'
import type { SessionRecorder, SessionRecording } from './session-recorder.ts'
import { isRecorded } from './sshd-config.ts'
import { findSshd, hasPam, isLocked, prepareSshd, type SshdProgram } from './sshd-program.ts'
import { hasSystemd, SshdSession } from './sshd-session.ts'

export interface SshServiceComponents {
  host: Host
  names: ProtocolNames
  admission: Pick<Admission, 'gate' | 'member'>
  streamLanes: Pick<StreamLanes, 'duplex'>
  grants: DeviceGrants
  hostKey: HostKey
  /** Writes sessions and refusals into the device's witnessed log. */
  audited?: Audited | undefined
  recorder: SessionRecorder
  log: Logger
}

export interface SshServiceInit {
  /** The folder of sessions' files; best on a tmpfs. */
  readonly place: string
  /** Where sshd is; for tests. */
  readonly find?: () => Promise<SshdProgram | undefined>
  /** How long somebody may take to log in; for tests. */
  readonly loginMs?: number
}

interface Live {
  readonly peer: PeerId
  readonly user: string
  readonly began: number
  /** What was granted when it began, of each key. */
  readonly rights: ReadonlyMap<string, KeyRights>
  readonly end: (reason: string) => void
  /** The key that was accepted. */
  fingerprint?: string
}

export class SshService {
  readonly #components: SshServiceComponents
  readonly #init: SshServiceInit
  readonly #live = new Set<Live>()
  readonly #running = new Set<Promise<void>>()
  #recheck: NodeJS.Timeout | undefined
  #stopping = false
  #unfollow: (() => void) | undefined
  /** Who has a place, from the hello to the end of the session. */
  readonly #places = new Set<{ readonly peer: PeerId }>()

  constructor(components: SshServiceComponents, init: SshServiceInit) {
    this.#components = components
    this.#init = init
  }

  async start(): Promise<void> {
    const { host, names, admission, grants } = this.#components
    // What a daemon that was killed has left there.
    await rm(this.#init.place, { recursive: true, force: true })
    admission.gate(names.ssh)
    this.#unfollow = grants.onChange(() => this.#check())
    await host.handle(names.ssh, (stream, connection) => this.#accept(stream, connection), {
      maxInboundStreams: streamsPerPeer,
    })
  }

  async stop(): Promise<void> {
    this.#stopping = true
    await this.#components.host.unhandle(this.#components.names.ssh)
    this.#unfollow?.()
    clearInterval(this.#recheck)
    for (const live of this.#live) live.end('the daemon stops')
    await Promise.all(this.#running)
  }

  #accept(stream: Stream, connection: Connection): void {
    // Read from the first tick on.
    const channel = new Channel(stream)
    const running = this.#serve(channel, connection).catch(thrown => {
      channel.abort(thrown)
      this.#components.log.debug(
        { peer: connection.remotePeer.toString(), reason: messageOf(thrown) },
        'no session of SSH',
      )
    })
    this.#running.add(running)
    void running.then(() => this.#running.delete(running))
  }

  async #serve(channel: Channel, connection: Connection): Promise<void> {
    const peer = connection.remotePeer
    const { user } = await channel.receive(sshHelloCodec)
    const { log, audited } = this.#components
    const refuse = async (error: AccessRefusal, reason?: string) => {
      const said = { peer: peer.toString(), name: this.#nameOf(peer), user, error, reason }
      log.warn(said, 'a session of SSH was refused')
      void audited?.('session-refused', said)
      await channel.send(accessVerdictCodec, { error, ...(reason !== undefined && { reason }) })
      await channel.close()
    }
    if (!this.#isController(peer)) return await refuse('not-served')
    const rights = this.#loginRights(user)
    if (rights.size === 0) return await refuse('not-granted')
    const ofPeer = [...this.#places].filter(each => each.peer.equals(peer)).length
    if (this.#places.size >= sessionsAtOnce || ofPeer >= sessionsPerPeer) return await refuse('busy')
    const place = { peer }
    this.#places.add(place)
    try {
      const program = await (this.#init.find ?? findSshd)()
      if (program === undefined) return await refuse('no-sshd')
      const locked = await isLocked(user)
      if (locked === undefined) return await refuse('no-user')
      await this.#run(channel, connection, { peer, user, rights, program, pam: locked && (await hasPam()) })
    } catch (thrown) {
      if (!(thrown instanceof RecordError || (thrown instanceof Error && 'syscall' in thrown))) throw thrown
      await refuse('failed', messageOf(thrown).slice(0, 300))
    } finally {
      this.#places.delete(place)
    }
  }

  async #run(
    channel: Channel,
    connection: Connection,
    about: Pick<Live, 'peer' | 'user' | 'rights'> & { program: SshdProgram; pam: boolean },
  ): Promise<void> {
    const { log, hostKey, audited, recorder, streamLanes } = this.#components
    const { peer, user, rights, program, pam } = about
    const said = { peer: peer.toString(), name: this.#nameOf(peer), user }
    await prepareSshd()
    await mkdir(this.#init.place, { recursive: true })
    // Whatever the daemon's umask: users have to get through to their session's folder.
    await chmod(this.#init.place, 0o711)
    let reason = 'ended'
    const live: Live = { peer, user, rights, began: performance.now(), end: why => end(why) }
    const onLogin = (fingerprint: string) => {
      live.fingerprint = fingerprint
      const key = this.#keyOf(live)
      log.info({ ...said, fingerprint, operators: key?.operators }, 'a session of SSH began')
      void audited?.('session-began', { ...said, fingerprint, operators: key?.operators.join(', '), id: session.id })
      recording?.login(fingerprint, key)
      this.#check()
    }
    const files = { user, rights, pam, sftpServer: program.sftpServer, hostKey: hostKey.file, place: this.#init.place }
    let recording: SessionRecording | undefined
    const prepare = async (id: string, directory: string) => {
      if (!isRecorded(rights)) return
      const about = { id, directory, user, peer: said.peer, controller: said.name }
      recording = await recorder.begin(about, why => live.end(why))
    }
    const init = { ...files, sshd: program.sshd, inUnit: hasSystemd(), prepare, onLogin }
    const session = await SshdSession.start(init).catch(async thrown => {
      await recording?.end('sshd did not start')
      throw thrown
    })
    const duplex = streamLanes.duplex(channel, connection)
    const end = (why: string) => {
      reason = why
      // First the processes: once sshd has seen the end of the stream, nobody knows any more which were its.
      void session.end().then(() => duplex.destroy(new ThymeshError('closed', why)))
    }
    duplex.on('error', () => {})
    this.#live.add(live)
    if (this.#stopping) end('the daemon stops')
    this.#recheck ??= setInterval(() => this.#check(), recheckMs)
    try {
      await channel.send(accessVerdictCodec, { ok: true })
      await session.carry(duplex)
    } finally {
      await session.end()
      const recorded = await recording?.end(reason).catch(thrown => {
        log.error({ ...said, reason: messageOf(thrown) }, 'the recording of a session was not closed')
        return undefined
      })
      this.#live.delete(live)
      if (this.#live.size === 0) this.#recheck = void clearInterval(this.#recheck)
      const seconds = Math.round((performance.now() - live.began) / 1000)
      if (live.fingerprint === undefined) {
        log.warn({ ...said, log: session.log }, 'nobody logged in by SSH')
        void audited?.('session-refused', { ...said, error: 'no-login', reason: session.log.at(-1) })
      } else {
        log.info({ ...said, fingerprint: live.fingerprint, reason, seconds }, 'a session of SSH ended')
        void audited?.('session-ended', { ...said, id: session.id, reason, seconds, recorded })
      }
    }
  }

  /** Ends sessions that are granted no longer. */
  #check(): void {
    for (const live of this.#live) {
      const age = performance.now() - live.began
      if (!this.#isController(live.peer)) live.end('its peer is no controller any more')
      else if (age > sessionMs) live.end('it was open for too long')
      else if (live.fingerprint === undefined && age > (this.#init.loginMs ?? loginMs)) live.end('nobody has logged in')
      else if (!this.#isGranted(live)) live.end('its grant has ended')
    }
  }

  /** Whether a session may still do all that it may do: of its key, or of every key before one is accepted. */
  #isGranted(live: Live): boolean {
    const now = this.#loginRights(live.user)
    const mayStill = ([key, { may, record }]: [string, KeyRights]) => {
      const rights = now.get(key)
      // One that would have to be recorded now, and is not, begins anew.
      if (rights === undefined || (rights.record && !record)) return false
      return may.every(right => rights.may.includes(right))
    }
    const entries = [...live.rights]
    if (live.fingerprint === undefined) return entries.every(mayStill)
    return entries.filter(([key]) => sshFingerprint(key) === live.fingerprint).some(mayStill)
  }

  /** The keys that may open a session of SSH as this user. */
  #loginRights(user: string): Map<string, KeyRights> {
    const needed = (right: string) => ['shell', 'exec', 'files'].includes(right) || right.startsWith('forward:')
    return new Map([...this.#components.grants.rights(user)].filter(([, { may }]) => may.some(needed)))
  }

  #keyOf({ rights, fingerprint }: Live): KeyRights | undefined {
    return [...rights].find(([key]) => sshFingerprint(key) === fingerprint)?.[1]
  }

  #isController(peer: PeerId): boolean {
    return this.#components.admission.member(peer)?.certificate.role === 'controller'
  }

  #nameOf(peer: PeerId): string | undefined {
    return this.#components.admission.member(peer)?.certificate.name
  }
}
