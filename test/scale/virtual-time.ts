/** Virtual time: events in the order of their times, and in that of their making where times are the same. */

interface Event {
  readonly at: number
  readonly order: number
  readonly act: () => void
}

export class VirtualTime {
  now = 0
  #made = 0
  /** A binary heap, the earliest first. */
  readonly #events: Event[] = []

  after(milliseconds: number, act: () => void): void {
    this.#push({ at: this.now + milliseconds, order: this.#made++, act })
  }

  every(milliseconds: number, first: number, act: () => void): void {
    this.after(first, () => {
      act()
      this.every(milliseconds, milliseconds, act)
    })
  }

  /** Runs until so long has passed, or until this holds; returns whether it does. */
  run(milliseconds: number, until: () => boolean = () => false, everyMs = 1000): boolean {
    const end = this.now + milliseconds
    let looked = this.now
    for (let next = this.#events[0]; next !== undefined && next.at <= end; next = this.#events[0]) {
      this.#pop()
      this.now = next.at
      next.act()
      if (this.now < looked + everyMs) continue
      looked = this.now
      if (until()) return true
    }
    this.now = end
    return until()
  }

  #push(event: Event): void {
    const events = this.#events
    events.push(event)
    for (let at = events.length - 1; at > 0; ) {
      const above = (at - 1) >> 1
      if (!isBefore(event, events[above] as Event)) return
      this.#swap(at, above)
      at = above
    }
  }

  #pop(): void {
    const events = this.#events
    const last = events.pop() as Event
    if (events.length === 0) return
    events[0] = last
    for (let at = 0; ; ) {
      let least = at
      for (const below of [2 * at + 1, 2 * at + 2]) {
        if (below < events.length && isBefore(events[below] as Event, events[least] as Event)) least = below
      }
      if (least === at) return
      this.#swap(at, least)
      at = least
    }
  }

  #swap(one: number, other: number): void {
    const event = this.#events[one] as Event
    this.#events[one] = this.#events[other] as Event
    this.#events[other] = event
  }
}

function isBefore(one: Event, other: Event): boolean {
  return one.at < other.at || (one.at === other.at && one.order < other.order)
}
