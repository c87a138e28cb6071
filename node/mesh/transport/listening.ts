/** Whether a peer listens where it was told to: a port that another program has is no reason to stop, but one to say so. */

const portOf = (address: string) => /\/tcp\/(\d+)/.exec(address)?.[1]

/**
 * Ports of `wanted` at which none of `actual` is. By ports, not by addresses: a machine without IPv6 listens at the
 * same port with IPv4. Port 0 stands for any.
 */
export function missingPorts(wanted: readonly string[], actual: readonly string[]): string[] {
  const there = new Set(actual.map(portOf))
  const ports = wanted.flatMap(address => portOf(address) ?? [])
  return [...new Set(ports)].filter(port => port !== '0' && !there.has(port))
}

/** For a person; nothing when all is well. */
export function listeningProblem(wanted: readonly string[], actual: readonly string[]): string | undefined {
  const missing = missingPorts(wanted, actual)
  if (missing.length === 0) return undefined
  const ports = `${missing.length === 1 ? 'port' : 'ports'} ${missing.join(', ')}`
  return `can't listen at TCP ${ports}: another program has it, so nobody can dial this peer there`
}
