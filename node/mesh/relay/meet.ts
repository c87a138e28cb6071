/**
 * One meeting, at its agreed moment: if one side listens where the other can dial it, it is dialled. If that leads nowhere,
 * both sides connect to each other at the same time, each from the port that its NAT has mapped already: the kernels and
 * the NATs take the crossing packets for one connection (RFC 9293, 3.5).
 */

import type { Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Connection } from '@libp2p/interface'
import { ThymeshError } from '../../../protocol/errors.ts'
import type { TcpEnd } from '../../../protocol/messages/relay.ts'
import { punchPatience, punchTryMs, punchWindowMs, relayedUpgradeMs } from '../limits.ts'
import type { Host } from '../transport/host.ts'
import { directTo } from '../transport/open-stream.ts'
import type { OwnPort } from '../transport/own-port.ts'
import { markPunched } from '../transport/way.ts'
import { addressOf } from './ends.ts'
import { type MeetingPlace, type MeetingPlan, planOf } from './meeting.ts'

export class MeetError extends ThymeshError<'nowhere' | 'missed'> {}

export interface MeetComponents {
  readonly host: Host
  readonly ownPort: Pick<OwnPort, 'meet' | 'reach' | 'upgrade'>
  /** Ends all that is under way. */
  readonly stop: AbortSignal
}

/**
 * Connects to the other side of a relayed connection, or is connected to by it. Rejects with a MeetError if neither happens
 * in time.
 */
export async function meet(
  relayed: Connection,
  place: MeetingPlace,
  roundTripMs: number,
  components: MeetComponents,
): Promise<void> {
  const { host, stop } = components
  const { remotePeer } = relayed
  const isLower = host.peerId.toString() < remotePeer.toString()
  const plan = planOf(place, isLower)
  if (plan.ends.length + plan.listens.length === 0 && !plan.waits)
    throw new MeetError('nowhere', 'the peer named no end that may be dialled')
  const isThere = () => directTo(host, remotePeer) !== undefined
  const met = new AbortController()
  const timeout = AbortSignal.timeout(punchWindowMs + 2 * Math.ceil(roundTripMs))
  const signal = AbortSignal.any([stop, met.signal, timeout])
  const tryMs = Math.max(punchTryMs, 2 * roundTripMs)
  const side = new Side(remotePeer.toString(), { isLower, tryMs, signal }, components)
  const come = Promise.withResolvers<void>()
  // The other side may be the one that gets through.
  const came = () => {
    if (isThere()) come.resolve()
  }
  const tooLate = () => come.reject(new MeetError('missed', 'nobody answered in time'))
  signal.addEventListener('abort', tooLate)
  // A signal that has aborted before tells nobody.
  if (signal.aborted) tooLate()
  host.addEventListener('connection:open', came)
  try {
    came()
    await Promise.any([come.promise, side.act(plan)])
  } catch (thrown) {
    if (!isThere()) throw thrown
  } finally {
    host.removeEventListener('connection:open', came)
    met.abort(new Error('the peers have met'))
  }
}

/** What one side of a meeting does. All of it rejects if it leads to no connection. */
class Side {
  readonly #peer: string
  readonly #isLower: boolean
  readonly #tryMs: number
  readonly #signal: AbortSignal
  readonly #components: MeetComponents

  constructor(
    peer: string,
    { isLower, tryMs, signal }: { isLower: boolean; tryMs: number; signal: AbortSignal },
    components: MeetComponents,
  ) {
    this.#peer = peer
    this.#isLower = isLower
    this.#tryMs = tryMs
    this.#signal = signal
    this.#components = components
  }

  async act({ ends, listens, waits }: MeetingPlan): Promise<void> {
    if (listens.length > 0 && (await succeeds(this.#dial(listens)))) return
    if (waits) await sleep(this.#tryMs, undefined, { signal: this.#signal })
    await Promise.any(ends.map(end => this.#punch(end)))
  }

  /** Dials the first end at which somebody answers. */
  async #dial(listens: readonly TcpEnd[]): Promise<void> {
    const answered = new AbortController()
    const signal = AbortSignal.any([this.#signal, answered.signal])
    const tries = listens.map(async end => {
      const socket = await this.#components.ownPort.reach(end, this.#tryMs, signal)
      if (socket === undefined) throw new MeetError('missed', 'nobody answered where the peer listens')
      if (answered.signal.aborted) socket.destroy()
      answered.abort(new Error('another end has answered'))
      return { socket, end }
    })
    const { socket, end } = await Promise.any(tries)
    await this.#upgrade(socket, end, true)
  }

  async #punch(end: TcpEnd): Promise<void> {
    const tryMs = this.#isLower ? this.#tryMs : this.#tryMs * punchPatience
    const socket = await this.#components.ownPort.meet(end, tryMs, this.#signal)
    markPunched(await this.#upgrade(socket, end, this.#isLower))
  }

  /** The handshake goes on even if another end has answered meanwhile: the other side may have chosen this one. */
  async #upgrade(socket: Socket, end: TcpEnd, initiator: boolean): Promise<Connection> {
    const signal = AbortSignal.any([this.#components.stop, AbortSignal.timeout(relayedUpgradeMs)])
    return await this.#components.ownPort.upgrade(socket, addressOf(end, this.#peer), { initiator, signal })
  }
}

async function succeeds(what: Promise<void>): Promise<boolean> {
  return await what.then(
    () => true,
    () => false,
  )
}
