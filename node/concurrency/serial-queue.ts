/** Does things one after the other, in the order in which they were asked for. */

export class SerialQueue {
  #last: Promise<unknown> = Promise.resolve()

  /** Runs `action` when all before it have ended, well or not; settles as it does. */
  run<T>(action: () => Promise<T> | T): Promise<T> {
    const done = this.#last.then(action)
    this.#last = done.catch(() => {})
    return done
  }

  /** Resolves when all that was asked for until now has ended; for `stop()`. */
  async drain(): Promise<void> {
    await this.#last
  }
}
