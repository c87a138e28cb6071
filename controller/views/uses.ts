/** What stands below a list with uses where not all modules could be read. */

/** Nothing where all could. */
export function usesUnread(unread: string | null): string {
  return unread === null
    ? ''
    : `\n\nNot all uses are known: a place with ? is in a module that can't be read.\n${unread}`
}
