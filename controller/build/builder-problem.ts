/** What kept a builder from building, read out of what Nix and ssh say: then another one may be asked. */

/** Nix's own words for a builder that is gone, or that never answered. */
const isLost =
  /cannot open connection to remote store|daemon disconnected unexpectedly|unexpected end-of-file|Broken pipe/
/** What ssh, the grant, or the program of the account there say of it. */
const isReason = /Permission denied|thymesh: |not found|Connection |Host key|timed out/
const shownCharacters = 300

/** In one line; undefined where it was what it had to build that failed. */
export function builderProblem(lines: readonly string[]): string | undefined {
  if (lines.some(line => line.includes('No space left on device'))) return 'its disk is full'
  const place = lines.findIndex(line => isLost.test(line))
  if (place < 0) return undefined
  // They come before Nix's own line, which only says that there is no connection.
  const reason = lines.slice(0, place).findLast(line => isReason.test(line))
  return (reason ?? lines[place] ?? '').trim().slice(0, shownCharacters)
}
