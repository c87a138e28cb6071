/** Checks that a peer listens on its configured ports: an occupied port isn't fatal, but is reported. */

const portOf = (address: string) => /\/tcp\/(\d+)/.exec(address)?.[1]

/**
 * Ports of `wanted` that are missing in `actual`. Ports only, not addresses: a machine without IPv6 listens on the
 * same port with IPv4. Port 0 matches any.
 */
export function missingPorts(wanted: readonly string[], actual: readonly string[]): string[] {
  const there = new Set(actual.map(portOf))
  const ports = wanted.flatMap(address => portOf(address) ?? [])
  return [...new Set(ports)].filter(port => port !== '0' && !there.has(port))
}

/** A warning for people; undefined if all ports are open. */
export function listeningProblem(wanted: readonly string[], actual: readonly string[]): string | undefined {
  const missing = missingPorts(wanted, actual)
  if (missing.length === 0) return undefined
  const ports = `${missing.length === 1 ? 'port' : 'ports'} ${missing.join(', ')}`
  return `can't listen at TCP ${ports}: another program uses it, so no peer can dial this one there`
}
