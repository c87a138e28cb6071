/**
 * A stream of the mesh that may go on on a lane: a direction is what came on the mesh until its end there, then what comes on
 * the lane. So nobody waits for a lane, and nothing is lost or told twice when it opens.
 */

import type { TLSSocket } from 'node:tls'
import { messageOf, ThymeshError } from '../../../protocol/errors.ts'
import { limits } from '../../../protocol/limits.ts'
import { encodeLaneFrame, laneWelcome } from '../../../protocol/messages/lane.ts'
import { idleStreamTimeoutMs, keepAliveMs } from '../limits.ts'
import type { Channel } from '../transport/channel.ts'
import { ChannelDuplex } from '../transport/channel-duplex.ts'
import { LaneFrames } from './lane-frames.ts'
import { LaneError } from './lane-tls.ts'
import { laneFromBytes } from './limits.ts'

type Done = (error?: Error | null) => void

export class LaneStream extends ChannelDuplex {
  readonly #channel: Channel
  readonly #onBusy: () => void
  readonly #onLost: () => void
  readonly #frames = new LaneFrames({ onBytes: bytes => this.#came(bytes), onEnd: () => this.#cameToEnd() })
  #moved = 0
  #isCut = false
  #lane: TLSSocket | undefined
  /** Whether the other side has yet to take the lane into use. */
  #awaitsWelcome = false
  /** What came on the lane before the direction had ended on the mesh. */
  readonly #early: Buffer[] = []
  #meshEnded = false
  /** Whether a lane was lost that the other side may have taken into use: an end on the mesh may be no end then. */
  #inDoubt = false
  #readOver = false
  #writesToLane = false
  #writeOver = false
  /** The piece that is being written on the mesh. */
  #writing: Promise<void> = Promise.resolve()

  /**
   * `onBusy` is called once, when so much has moved that a lane is worth its opening; `onLost` when a lane that this side has
   * dialled ended before the other side has welcomed it. Then `settled` or `unsettled` is to be called.
   */
  constructor(channel: Channel, onBusy: () => void, onLost: () => void = () => this.unsettled()) {
    super(channel)
    this.#channel = channel
    this.#onBusy = onBusy
    this.#onLost = onLost
  }

  get hasLane(): boolean {
    return this.#lane !== undefined
  }

  /** Goes on on this lane, which this side has dialled, once the other side uses it. */
  dialled(lane: TLSSocket): void {
    this.#awaitsWelcome = true
    this.#use(lane)
  }

  /** Goes on on this lane, which the other side has dialled. */
  accepted(lane: TLSSocket): void {
    if (!this.#use(lane)) return
    lane.write(Uint8Array.of(laneWelcome))
    this.#writeToLane()
  }

  /** The other side has not taken the lost lane into use, and never will: all goes on on the mesh. */
  settled(): void {
    if (!this.#inDoubt) return
    this.#inDoubt = false
    if (this.#meshEnded) this.#readEnds()
  }

  /** Nobody knows whether the other side goes on on the lost lane. */
  unsettled(): void {
    if (this.#inDoubt) this.destroy(new LaneError('ended', 'the lane ended before the stream did'))
  }

  /** The connection that the stream began on is gone: then nobody knows any more who the other side is. */
  cut(): void {
    this.#isCut = true
    if (this.#lane !== undefined) this.#breaks('the connection of the mesh has ended')
  }

  override _read(): void {
    if (!this.#meshEnded) super._read()
    else this.#lane?.resume()
  }

  override _write(bytes: Uint8Array, encoding: BufferEncoding, done: Done): void {
    if (this.#writesToLane) {
      this.#send(bytes, done)
      return
    }
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#writing = promise
    super._write(bytes, encoding, error => {
      resolve()
      done(error)
    })
  }

  override _final(done: Done): void {
    this.#writeOver = true
    if (this.#writesToLane) {
      this.#lane?.write(encodeLaneFrame(0))
      this.#closeLane()
      done()
    } else super._final(done)
  }

  override _destroy(error: Error | null, done: Done): void {
    const lane = this.#lane
    if (error !== null || !this.#readOver || !this.#writeOver) lane?.destroy()
    else if (lane !== undefined && !lane.destroyed) {
      // Both directions are over for us; the other side may never say so on the lane, or not read the rest.
      const late = setTimeout(() => lane.destroy(), idleStreamTimeoutMs).unref()
      lane.once('close', () => clearTimeout(late))
    }
    super._destroy(error, done)
  }

  protected override onMeshEnd(): void {
    this.#meshEnded = true
    if (this.#lane === undefined) {
      if (!this.#inDoubt) this.#readEnds()
    } else {
      for (const bytes of this.#early.splice(0)) this.push(bytes)
      if (this.#frames.ended) this.#readEnds()
      else this.#lane.resume()
    }
  }

  protected override onMoved(bytes: number): void {
    const before = this.#moved
    this.#moved += bytes
    if (before < laneFromBytes && this.#moved >= laneFromBytes) this.#onBusy()
  }

  #use(lane: TLSSocket): boolean {
    if (this.destroyed || this.#isCut || this.#lane !== undefined) {
      lane.on('error', () => {})
      lane.destroy()
      return false
    }
    this.#lane = lane
    lane.setNoDelay(true)
    lane.setKeepAlive(true, keepAliveMs)
    lane.on('error', cause => this.#ends(lane, messageOf(cause), cause))
    for (const event of ['end', 'close']) {
      lane.on(event, () => this.#ends(lane, 'the lane ended before the stream did'))
    }
    lane.on('data', (bytes: Buffer) => {
      if (this.#lane !== lane) return
      try {
        this.#take(bytes)
      } catch (thrown) {
        this.destroy(thrown instanceof ThymeshError ? thrown : new LaneError('ended', messageOf(thrown)))
      }
    })
    return true
  }

  #take(bytes: Buffer): void {
    if (!this.#awaitsWelcome) {
      this.#frames.take(bytes)
      return
    }
    if (bytes[0] !== laneWelcome) throw new LaneError('ended', 'expected the beginning of a lane, got something else')
    this.#awaitsWelcome = false
    this.#writeToLane()
    this.#frames.take(bytes.subarray(1))
  }

  #came(bytes: Buffer): void {
    if (this.#readOver) throw new LaneError('ended', 'expected nothing after the end of a direction')
    if (!this.#meshEnded) {
      this.#early.push(bytes)
      this.#lane?.pause()
    } else if (!this.push(bytes)) this.#lane?.pause()
  }

  #cameToEnd(): void {
    if (this.#meshEnded) this.#readEnds()
    this.#closeLane()
  }

  #readEnds(): void {
    if (!this.#readOver) this.push(null)
    this.#readOver = true
  }

  /** From the next piece on; the end on the mesh tells the other side to read on on the lane. */
  #writeToLane(): void {
    if (this.#writeOver) {
      this.#lane?.write(encodeLaneFrame(0))
      this.#closeLane()
      return
    }
    this.#writesToLane = true
    this.#writing
      .then(async () => {
        if (!this.destroyed) await this.#channel.close()
      })
      .catch(thrown => this.destroy(thrown))
  }

  #send(bytes: Uint8Array, done: Done): void {
    const lane = this.#lane
    if (lane === undefined || lane.destroyed) {
      done(new LaneError('ended', 'the lane has ended'))
      return
    }
    let hasRoom = true
    lane.cork()
    for (let from = 0; from < bytes.length; from += limits.laneFrame) {
      const part = bytes.subarray(from, from + limits.laneFrame)
      lane.write(encodeLaneFrame(part.length))
      hasRoom = lane.write(part)
    }
    lane.uncork()
    if (hasRoom) done()
    else lane.once('drain', done)
  }

  /** Nothing more will come or go on it. */
  get #isDone(): boolean {
    return this.#frames.ended && this.#writeOver
  }

  #closeLane(): void {
    if (this.#isDone) this.#lane?.destroySoon()
  }

  #ends(lane: TLSSocket, message: string, cause?: unknown): void {
    if (this.#lane !== lane || this.destroyed) return
    if (!this.#awaitsWelcome || this.#isCut) {
      this.#breaks(message, cause)
      return
    }
    // Nothing has come or gone on it. A slow machine may just have given up the handshake.
    this.#lane = undefined
    this.#awaitsWelcome = false
    this.#inDoubt = true
    lane.destroy()
    this.#onLost()
  }

  #breaks(message: string, cause?: unknown): void {
    if (!this.#isDone) this.destroy(new LaneError('ended', message, { cause }))
  }
}
