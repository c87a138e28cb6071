/** The error about damaged paths of a Nix store: a device's in its report, a controller's about its own store. */

/** One line that names the first damaged path, and the command that repairs it; nothing when there are none. */
export function damageText(paths: readonly string[]): string | undefined {
  const [first] = paths
  if (first === undefined) return undefined
  const more = paths.length === 1 ? '' : ` (and ${paths.length - 1} more)`
  return `${first}${more} is damaged in the Nix store; run as root: nix-store --repair-path ${first}`
}
