/** Groups chunks by the peer that they concern. */

export function byPeer(requests: readonly { peer: string; chunk: number }[]): Map<string, number[]> {
  const grouped = Map.groupBy(requests, ({ peer }) => peer)
  return new Map([...grouped].map(([peer, each]) => [peer, each.map(({ chunk }) => chunk)]))
}
