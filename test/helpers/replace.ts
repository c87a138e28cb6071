/** Changes of a text for a test, which fail where there is nothing to change. */

/**
 * The text with `what`, a text or a pattern without groups, replaced by `by`, which is taken as it is: `$` has no meaning.
 *
 * Throws unless `what` is there exactly once: a change that changes nothing would leave a test without what it tests.
 */
export function replaceOnce(text: string, what: string | RegExp, by: string): string {
  const parts = text.split(what)
  if (parts.length !== 2) {
    throw new Error(`expected ${what} once in what a test changes, got it ${parts.length - 1} times in:\n${text}`)
  }
  return parts.join(by)
}
