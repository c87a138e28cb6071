/** Whom a link goes to, so that no site and no holder of a join token has all links of a peer. */

/** Where a member is, and whom its share counts for. */
export interface Place {
  readonly site: string | undefined
  readonly group: string
}

const kinds = ['group', 'site'] as const

/**
 * Those of the free ones with whom the links are not all alike, if there are any: best of another site and another group. Where
 * no free one differs in both, one that differs in either will do: which of them is chosen changes with each link, so neither a
 * token nor a site keeps all links for long.
 */
export function mixedWith<T extends Place>(linked: readonly Place[], free: readonly T[]): readonly T[] {
  const [first] = linked
  if (first === undefined) return free
  const alike = kinds.filter(kind => linked.every(each => each[kind] === first[kind]))
  const differing = free.map(each => alike.filter(kind => each[kind] !== first[kind]).length)
  const most = Math.max(0, ...differing)
  return free.filter((_, at) => differing[at] === most)
}
