/** Screens of devices for the page: streams of RFB, opened with tickets that this controller's SSH keys have signed for. */

import type { Duplex } from 'node:stream'
import { receiveMessage, sendMessage } from '../../node/access/duplex-messages.ts'
import { accepted } from '../../node/access/open-access.ts'
import { ThymeshError } from '../../protocol/errors.ts'
import { accessVerdictCodec } from '../../protocol/messages/access.ts'
import { screenHelloCodec } from '../../protocol/messages/screen.ts'
import { queryAccess } from '../queries/access.ts'
import { querySshTargets } from '../queries/ssh-targets.ts'
import { openDeviceStream } from '../session/device-streams.ts'
import { deviceNamed } from '../session/reach.ts'
import type { Session } from '../session/session.ts'
import { screenMs, snapshotWaitSeconds } from './limits.ts'
import { type ReadSnapshot, readSnapshots } from './snapshots.ts'
import { askTicket } from './ticket.ts'

export interface ScreenPlace {
  readonly device: string
  readonly user: string
  /** Whether keys and pointer are sent too. */
  readonly control: boolean
}

export class Screens {
  readonly #session: Session
  /** By device, user and right: a ticket lasts as long as the device knows this connection. */
  readonly #tickets = new Map<string, Promise<Uint8Array>>()

  constructor(session: Session) {
    this.#session = session
  }

  /** After it, what comes is the screen's own RFB. Throws a ReachError, what `askTicket` throws, or what the device refuses with. */
  async open(place: ScreenPlace, signal?: AbortSignal): Promise<Duplex> {
    const limit = AbortSignal.any([AbortSignal.timeout(screenMs), ...(signal ? [signal] : [])])
    return await this.#withTicket(place, ticket => this.#watch(place, ticket, limit))
  }

  /** The newest snapshot that the device has taken of its screens, with its picture. Throws the same. */
  async snapshot({ device, user }: Omit<ScreenPlace, 'control'>): Promise<ReadSnapshot | undefined> {
    const limit = AbortSignal.timeout(screenMs)
    return await this.#withTicket({ device, user, control: false }, async ticket => {
      const stream = await openDeviceStream(
        this.#session,
        { device, snapshots: true, wait: snapshotWaitSeconds },
        limit,
      )
      stream.on('error', () => {})
      try {
        const [newest] = await readSnapshots(stream, { ticket, user, most: 1, pictures: true }, limit)
        return newest
      } finally {
        stream.destroy()
      }
    })
  }

  async #withTicket<T>(place: ScreenPlace, use: (ticket: Uint8Array) => Promise<T>): Promise<T> {
    const key = JSON.stringify(place)
    const held = this.#tickets.get(key)
    if (held !== undefined) {
      try {
        return await use(await held)
      } catch (thrown) {
        // The device has forgotten it, or its grant has ended: a new one tells.
        if (!(thrown instanceof ThymeshError) || thrown.code !== 'not-granted') throw thrown
        if (this.#tickets.get(key) === held) this.#tickets.delete(key)
      }
    }
    return await use(await this.#ticket(key, place))
  }

  /** One for all that ask at the same time: it does not end with the first of them. */
  #ticket(key: string, place: ScreenPlace): Promise<Uint8Array> {
    const asked = this.#tickets.get(key)
    if (asked !== undefined) return asked
    const ticket = this.#ask(place, AbortSignal.timeout(screenMs))
    this.#tickets.set(key, ticket)
    ticket.catch(() => {
      if (this.#tickets.get(key) === ticket) this.#tickets.delete(key)
    })
    return ticket
  }

  async #ask({ device, user, control }: ScreenPlace, limit: AbortSignal): Promise<Uint8Array> {
    const session = this.#session
    // It names the known ones, where there is none of this name.
    deviceNamed(session.peer, device)
    const { fleetId, controller, devices } = await querySshTargets(session)
    const target = devices.find(each => each.device === device)
    if (target === undefined) throw new Error(`expected ${device} among the devices, got none`)
    const { grants } = await queryAccess(session)
    return await askTicket({
      ...{ fleetId, controller, grants, target, user, identity: [], attended: false },
      right: control ? 'screen:control' : 'screen',
      open: signal => openDeviceStream(session, { device }, AbortSignal.any([signal, limit])),
    })
  }

  async #watch({ device, user, control }: ScreenPlace, ticket: Uint8Array, limit: AbortSignal): Promise<Duplex> {
    const stream = await openDeviceStream(this.#session, { device, screen: true }, limit)
    stream.on('error', () => {})
    try {
      sendMessage(stream, screenHelloCodec, { v: 1, ticket, ...(control && { control }) })
      accepted(await receiveMessage(stream, accessVerdictCodec, limit), user)
      return stream
    } catch (thrown) {
      stream.destroy()
      throw thrown
    }
  }
}
