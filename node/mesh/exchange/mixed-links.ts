/** Whom a link goes to, so that no site and no holder of a join token has all links of a peer. */

/** Where a member is, and whom its share counts for. */
export interface Place {
  readonly site: string | undefined
  readonly group: string
}

const kinds = ['group', 'site'] as const

/** Those of the free ones with whom the links are not all alike, if there are any: above all not of one group. */
export function mixedWith<T extends Place>(linked: readonly Place[], free: readonly T[]): readonly T[] {
  const [first] = linked
  if (first === undefined) return free
  let left = free
  for (const kind of kinds) {
    if (linked.some(each => each[kind] !== first[kind])) continue
    const others = left.filter(each => each[kind] !== first[kind])
    if (others.length > 0) left = others
  }
  return left
}
