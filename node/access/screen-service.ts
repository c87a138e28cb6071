/**
 * Shows screens of the device to controllers: VNC servers that listen on Unix sockets in one folder. Who may only look can't
 * type, whatever the viewer sends. The device's own programs are told who watches. Views end with their grant.
 */

import { chmod, lstat, mkdir, readdir } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import { pipeline } from 'node:stream'
import type { Connection, PeerId, Stream } from '@libp2p/interface'
import { messageOf, ThymeshError } from '../../protocol/errors.ts'
import { type AccessRefusal, accessVerdictCodec } from '../../protocol/messages/access.ts'
import type { ProtocolNames } from '../../protocol/messages/messages.ts'
import { type ScreenHello, screenHelloCodec } from '../../protocol/messages/screen.ts'
import type { Audited } from '../audit/log-keeper.ts'
import type { StreamLanes } from '../mesh/lane/stream-lanes.ts'
import type { Admission } from '../mesh/peers/admission.ts'
import { Channel } from '../mesh/transport/channel.ts'
import type { Host } from '../mesh/transport/host.ts'
import type { Logger } from '../process/log.ts'
import { connected, type ForwardService, type Ticket } from './forward-service.ts'
import { recheckMs, screensAtOnce } from './limits.ts'
import { RfbFilter } from './rfb-filter.ts'
import { screenSocket } from './screen-socket.ts'
import { type View, WatchedScreens } from './watched-screens.ts'

export interface ScreenServiceComponents {
  host: Host
  names: ProtocolNames
  admission: Pick<Admission, 'gate' | 'member'>
  streamLanes: Pick<StreamLanes, 'duplex'>
  /** Gives the tickets, and knows what each may do. */
  tickets: Pick<ForwardService, 'ticketOf' | 'rightsOf'>
  /** Writes views and refusals into the device's witnessed log. */
  audited?: Audited | undefined
  log: Logger
}

export interface ScreenServiceInit {
  /** The folder of the sockets: NAME.sock is the screen NAME. */
  readonly place: string
  /** The folder of files that say who watches. */
  readonly watched: string
}

interface Live {
  readonly ticket: Ticket
  readonly id: PeerId
  readonly right: ScreenRight
  readonly end: (reason: string) => void
}

type ScreenRight = 'screen' | 'screen:control'

export class ScreenService {
  readonly #components: ScreenServiceComponents
  readonly #init: ScreenServiceInit
  readonly #live = new Set<Live>()
  readonly #watched: WatchedScreens
  #recheck: NodeJS.Timeout | undefined
  #opening = 0

  constructor(components: ScreenServiceComponents, init: ScreenServiceInit) {
    this.#components = components
    this.#init = init
    this.#watched = new WatchedScreens(init.watched)
  }

  async start(): Promise<void> {
    const { host, names, admission } = this.#components
    admission.gate(names.screen)
    // Each program with a screen puts its socket there, and none can remove another's.
    await mkdir(this.#init.place, { recursive: true })
      .then(() => chmod(this.#init.place, 0o1777))
      .catch(() => {})
    await this.#watched
      .start()
      .catch(thrown => this.#components.log.warn({ reason: messageOf(thrown) }, 'no screen can be shown'))
    await host.handle(names.screen, (stream, connection) => this.#accept(stream, connection), {
      maxInboundStreams: screensAtOnce,
    })
  }

  async stop(): Promise<void> {
    await this.#components.host.unhandle(this.#components.names.screen)
    clearInterval(this.#recheck)
    for (const live of this.#live) live.end('the daemon stops')
  }

  #accept(stream: Stream, connection: Connection): void {
    // Read from the first tick on.
    const channel = new Channel(stream)
    this.#serve(channel, connection).catch(thrown => {
      channel.abort(thrown)
      this.#components.log.debug(
        { peer: connection.remotePeer.toString(), reason: messageOf(thrown) },
        'no screen was shown',
      )
    })
  }

  async #serve(channel: Channel, connection: Connection): Promise<void> {
    const peer = connection.remotePeer
    const hello = await channel.receive(screenHelloCodec)
    const problem = await this.#show(channel, connection, hello)
    if (problem === undefined) return
    const { error, reason } = problem
    const { screen, control } = hello
    const said = { peer: peer.toString(), screen, error, reason }
    this.#components.log.warn({ ...said, control }, 'a view of a screen was refused')
    void this.#components.audited?.('screen-refused', { ...said, right: rightOf(hello) })
    await channel.send(accessVerdictCodec, { error, ...(reason !== undefined && { reason }) })
    await channel.close()
  }

  async #show(channel: Channel, connection: Connection, hello: ScreenHello): Promise<Problem | undefined> {
    const peer = connection.remotePeer
    const { log, audited, tickets, admission } = this.#components
    const right = rightOf(hello)
    if (!this.#isController(peer)) return { error: 'not-served' }
    const ticket = tickets.ticketOf(peer, hello.ticket)
    if (ticket === undefined || !this.#may(ticket, right)) return { error: 'not-granted' }
    const name = hello.screen ?? (await this.#only())
    if (typeof name !== 'string') return name
    const path = await screenSocket(this.#init.place, name)
    if (path === undefined) return { error: 'unreachable', reason: `it has no screen ${name}` }
    if (this.#live.size + this.#opening >= screensAtOnce) return { error: 'busy' }
    this.#opening++
    const socket = connect({ path }).on('error', () => {})
    const certificate = admission.member(peer)?.certificate
    const view: View = { screen: name, name: certificate?.name ?? 'unknown', right }
    const failure = await connected(socket)
      .then(async failed => {
        // Told before it begins. Where that can't be told, there is no view.
        if (failed === undefined) await this.#watched.begin(view)
        return failed
      })
      .catch(messageOf)
      .finally(() => this.#opening--)
    if (failure !== undefined) {
      socket.destroy()
      await this.#watched.end(view)
      return { error: 'unreachable', reason: failure.slice(0, 300) }
    }
    const duplex = this.#components.streamLanes.duplex(channel, connection)
    const filter = new RfbFilter(hello.control === true)
    const end = (reason: string) => {
      socket.destroy()
      duplex.destroy(new ThymeshError('closed', reason))
    }
    const live: Live = { ticket, id: peer, right, end }
    this.#live.add(live)
    this.#recheck ??= setInterval(() => this.#check(), recheckMs)
    const said = { name: view.name, user: ticket.user, screen: name, right }
    log.info(said, 'an operator watches a screen')
    void audited?.('screen-began', { peer: peer.toString(), ...said })
    const over = () => {
      if (!duplex.closed || !socket.closed || !this.#live.delete(live)) return
      if (this.#live.size === 0) this.#recheck = void clearInterval(this.#recheck)
      this.#watched.end(view).catch(thrown => log.warn({ reason: messageOf(thrown) }, 'who watches was not written'))
      log.info({ ...said, dropped: filter.dropped }, 'an operator watches a screen no more')
      void audited?.('screen-ended', said)
    }
    for (const each of [duplex, socket]) each.once('close', over).on('error', () => {})
    await channel.send(accessVerdictCodec, { ok: true }).catch(thrown => {
      end('its peer has gone')
      throw thrown
    })
    // A viewer has no use for half of a connection.
    pipeline(duplex, filter, socket, () => end('the viewer has ended'))
    pipeline(socket, duplex, () => end('the screen has ended'))
    return undefined
  }

  /**
   * The screen that is meant where none is named: the first of root's; else the first, where all are one user's. Any user of the
   * device could put a screen before another user's, so of several somebody has to choose.
   */
  async #only(): Promise<string | Problem> {
    const entries = await readdir(this.#init.place).catch(() => [])
    const names = entries.flatMap(each => /^([a-z0-9][a-z0-9-]{0,62})\.sock$/.exec(each)?.[1] ?? []).sort()
    const screens = await Promise.all(names.map(name => this.#owned(name)))
    const found = screens.filter(each => each !== undefined)
    const [first] = found
    const roots = found.find(({ uid }) => uid === 0)
    if (first === undefined) return { error: 'unreachable', reason: 'it has no screen' }
    if (roots !== undefined) return roots.name
    if (found.every(({ uid }) => uid === first.uid)) return first.name
    const several = found.map(({ name }) => name).join(', ')
    return { error: 'unreachable', reason: `it has screens of several users: name one of ${several}`.slice(0, 300) }
  }

  /** The user whose socket it is; nothing where it is none. */
  async #owned(name: string): Promise<{ name: string; uid: number } | undefined> {
    const found = await lstat(join(this.#init.place, `${name}.sock`)).catch(() => undefined)
    return found?.isSocket() ? { name, uid: found.uid } : undefined
  }

  #check(): void {
    for (const live of this.#live) {
      if (!this.#isController(live.id)) live.end('its peer is no controller any more')
      else if (!this.#may(live.ticket, live.right)) live.end('its grant has ended')
    }
  }

  /** Whoever may control may look. */
  #may(ticket: Ticket, right: ScreenRight): boolean {
    const may = this.#components.tickets.rightsOf(ticket)
    return may.includes('screen:control') || (right === 'screen' && may.includes('screen'))
  }

  #isController(peer: PeerId): boolean {
    return this.#components.admission.member(peer)?.certificate.role === 'controller'
  }
}

function rightOf({ control }: ScreenHello): ScreenRight {
  return control === true ? 'screen:control' : 'screen'
}

interface Problem {
  readonly error: AccessRefusal
  readonly reason?: string
}
