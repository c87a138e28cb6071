/** The stream of events of one browser: kept open, resumed after a loss, and told in batches. */

export type LinkState = 'connecting' | 'live' | 'lost' | 'signed-out'

export interface Link {
  readonly state: LinkState
  /** Since when, by this browser's clock. */
  readonly since: number
  /** When the controller was heard for the last time; 0 if never. */
  readonly heard: number
  /** The computer slept, or the tab was frozen, for so long before this. */
  readonly slept: number
}

export interface LinkEvent {
  readonly id: string
  readonly kind: string
  readonly data: unknown
}

export interface LinkListener {
  link(link: Link): void
  events(events: readonly LinkEvent[]): void
}

/** Rows come together: a picture that moves four times a second is as live as one that moves always. */
const batchMs = 250
const tickMs = 5_000
/** The controller sends a line every 15 s. */
const silentMs = 40_000
/** A tick that is so late tells of a sleep. */
const sleptMs = 20_000
const retryMs = [500, 1000, 2000, 4000] as const

export class EventLink {
  readonly #listener: LinkListener
  #token: string | undefined
  #last: string | undefined
  #told: string | undefined
  #link: Link = { state: 'connecting', since: Date.now(), heard: 0, slept: 0 }
  #abort = new AbortController()
  #failures = 0
  #batch: LinkEvent[] = []
  #flushing: ReturnType<typeof setTimeout> | undefined
  #retry: ReturnType<typeof setTimeout> | undefined
  #ticked = Date.now()

  constructor(listener: LinkListener) {
    this.#listener = listener
    setInterval(() => this.#tick(), tickMs)
  }

  get link(): Link {
    return this.#link
  }

  get token(): string | undefined {
    return this.#token
  }

  /** The ID of the last event that the listener was told. */
  get told(): string | undefined {
    return this.#told
  }

  /** Signs in, or with nothing out. `after`: the ID of the event that a new stream continues after. */
  use(token: string | undefined, after?: string): void {
    if (token === this.#token && this.#link.state !== 'signed-out') return
    this.#token = token
    this.#last = after
    this.#connect()
  }

  #connect(): void {
    clearTimeout(this.#retry)
    this.#abort.abort()
    this.#abort = new AbortController()
    if (this.#token === undefined) this.#become('signed-out')
    else void this.#read(this.#token, this.#abort)
  }

  async #read(token: string, abort: AbortController): Promise<void> {
    try {
      const headers = { Authorization: `Bearer ${token}`, ...(this.#last && { 'Last-Event-ID': this.#last }) }
      const response = await fetch('/v1/events', { headers, signal: abort.signal, cache: 'no-store' })
      // Another token is in use by now, and this answer is not about it.
      if (abort.signal.aborted) return
      if (response.status === 401) {
        this.#token = undefined
        this.#become('signed-out')
        return
      }
      if (!response.ok || response.body === null) throw new Error(`status ${response.status}`)
      this.#failures = 0
      this.#become('live')
      await this.#frames(response.body.pipeThrough(new TextDecoderStream()))
      throw new Error('the stream ended')
    } catch {
      if (abort.signal.aborted) return
      this.#become('lost')
      const wait = retryMs[Math.min(this.#failures++, retryMs.length - 1)]
      this.#retry = setTimeout(() => this.#connect(), wait)
    }
  }

  async #frames(stream: ReadableStream<string>): Promise<void> {
    let rest = ''
    const reader = stream.getReader()
    for (;;) {
      const { value, done } = await reader.read()
      if (done) return
      this.#link = { ...this.#link, heard: Date.now() }
      rest += value
      const frames = rest.split('\n\n')
      rest = frames.pop() ?? ''
      for (const frame of frames) this.#take(frame)
    }
  }

  #take(frame: string): void {
    const fields = new Map(
      frame.split('\n').map(line => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 2)]),
    )
    const id = fields.get('id')
    if (id !== undefined) this.#last = id
    const kind = fields.get('event')
    const data = fields.get('data')
    if (id === undefined || kind === undefined || data === undefined) return
    this.#batch.push({ id, kind, data: JSON.parse(data) })
    this.#flushing ??= setTimeout(() => this.#flush(), batchMs)
  }

  #flush(): void {
    this.#flushing = undefined
    const batch = this.#batch
    this.#batch = []
    this.#told = batch.at(-1)?.id ?? this.#told
    if (batch.length > 0) this.#listener.events(batch)
  }

  /** Whether a sleep or a silence has made the stream worthless, which nothing else tells for minutes. */
  #tick(): void {
    const now = Date.now()
    const gap = now - this.#ticked
    this.#ticked = now
    if (this.#token === undefined) return
    // A clock that was set back looks like no sleep, and its ages are wrong all the same.
    const slept = gap > sleptMs || gap < 0 ? Math.abs(gap) : 0
    const silent = this.#link.state === 'live' && Math.abs(now - this.#link.heard) > silentMs
    if (slept > 0) this.#link = { ...this.#link, slept }
    if (slept > 0 || silent) {
      this.#become('lost')
      this.#connect()
    } else this.#listener.link(this.#link)
  }

  #become(state: LinkState): void {
    const now = Date.now()
    const heard = state === 'live' ? now : this.#link.heard
    const since = state === this.#link.state ? this.#link.since : now
    this.#link = { state, since, heard, slept: this.#link.slept }
    this.#listener.link(this.#link)
  }
}
