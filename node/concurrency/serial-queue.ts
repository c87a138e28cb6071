/** Runs actions one after another, in the order of requests. */

export class SerialQueue {
  #last: Promise<unknown> = Promise.resolve()

  /** Runs `action` after all earlier ones have settled; settles as it does. */
  run<T>(action: () => Promise<T> | T): Promise<T> {
    const done = this.#last.then(action)
    this.#last = done.catch(() => {})
    return done
  }

  /** Resolves when all actions requested so far have settled; for `stop()`. */
  async drain(): Promise<void> {
    await this.#last
  }
}
