/** Plays a recording on a screen: play, pause, seek and speed. What is shown comes from the controller's `replayOf`. */

import type { Shown } from '../../../format/replay.ts'

export interface PlayedOn {
  /** Empty, as at the beginning. */
  reset(): void
  /** Resolves when it is shown. */
  write(text: string): Promise<void>
}

/** So many characters are shown at once: somebody who seeks again need not wait for more. */
const pieceLength = 256 * 1024
/** How often the position is told while it plays, in milliseconds. */
const tellMs = 200

export class Player {
  readonly #shown: readonly Shown[]
  readonly #screen: PlayedOn
  readonly #changed: () => void
  readonly #now: () => number
  /** The first that is not on the screen. */
  #next = 0
  #speed = 1
  /** The position in seconds, at the time `#since`. */
  #from = 0
  /** By `#now`, since it plays. */
  #since: number | undefined
  #timer: ReturnType<typeof setTimeout> | undefined
  #writing = false
  #anew = false
  #ended = false

  /** `changed` is called whenever the position, or whether it plays, is another one. `now` is in milliseconds. */
  constructor(shown: readonly Shown[], screen: PlayedOn, changed: () => void, now = () => performance.now()) {
    this.#shown = shown
    this.#screen = screen
    this.#changed = changed
    this.#now = now
  }

  /** How long it is, in seconds. */
  get seconds(): number {
    return this.#shown.at(-1)?.at ?? 0
  }

  get position(): number {
    const played = this.#since === undefined ? 0 : ((this.#now() - this.#since) / 1000) * this.#speed
    return Math.min(this.seconds, this.#from + played)
  }

  get playing(): boolean {
    return this.#since !== undefined
  }

  /** From the beginning, where it has come to its end. */
  play(): void {
    if (this.position >= this.seconds) this.#goTo(0)
    this.#since = this.#now()
    void this.#show()
  }

  pause(): void {
    this.#from = this.position
    this.#since = undefined
    clearTimeout(this.#timer)
    this.#changed()
  }

  seek(seconds: number): void {
    this.#goTo(Math.max(0, Math.min(this.seconds, seconds)))
    void this.#show()
  }

  set speed(speed: number) {
    this.#goTo(this.position)
    this.#speed = speed
    if (this.playing) void this.#show()
  }

  /** Shows nothing any more. */
  end(): void {
    this.#ended = true
    this.#since = undefined
    clearTimeout(this.#timer)
  }

  #goTo(position: number): void {
    if (position < this.position) this.#anew = true
    this.#from = position
    if (this.#since !== undefined) this.#since = this.#now()
  }

  /** Brings the screen to the position, and goes on from there. */
  async #show(): Promise<void> {
    clearTimeout(this.#timer)
    this.#changed()
    if (this.#writing) return
    this.#writing = true
    for (let piece = this.#piece(); piece !== '' && !this.#ended; piece = this.#piece()) await this.#screen.write(piece)
    this.#writing = false
    if (this.#ended || !this.playing) return
    const next = this.#shown[this.#next]
    if (next === undefined) return this.pause()
    const untilNext = ((next.at - this.position) / this.#speed) * 1000
    this.#timer = setTimeout(() => void this.#show(), Math.max(0, Math.min(tellMs, untilNext)))
  }

  /** What the screen lacks, or the beginning of it. */
  #piece(): string {
    if (this.#anew) {
      this.#anew = false
      this.#next = 0
      this.#screen.reset()
    }
    const to = this.position
    let text = ''
    for (; text.length < pieceLength; this.#next++) {
      const next = this.#shown[this.#next]
      if (next === undefined || next.at > to) break
      text += next.text
    }
    return text
  }
}
