/** The project's error type: the message says what was expected and what came, the hint says what to do next. */

/**
 * An error that a person or another peer can act on.
 *
 * `code` is stable: callers compare it, and it appears on the wire and in logs. Each part of the project narrows it
 * to a union of its own (`class StoreError extends ThymeshError<'path-invalid' | …>`).
 */
export class ThymeshError<Code extends string = string> extends Error {
  readonly code: Code
  /** The reader's next step: one imperative sentence, or undefined if nothing can be done. */
  readonly hint: string | undefined

  constructor(code: Code, message: string, options: { hint?: string; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = new.target.name
    this.code = code
    this.hint = options.hint
  }
}

/** An error that an operator meets: it always says what to do next. Those of the controller are of this kind. */
export class HintedError<Code extends string = string> extends ThymeshError<Code> {
  declare readonly hint: string

  constructor(code: Code, message: string, options: { hint: string; cause?: unknown }) {
    super(code, message, options)
  }
}

/** The message of a caught value, for logs and for wrapping. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown)
}
