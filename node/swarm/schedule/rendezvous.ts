/** Rendezvous hashing: everyone who knows the same members names the same one for a chunk, without a word between them. */

/** A 32-bit number of a peer ID (FNV-1a over its UTF-16 units): what its scores are mixed from. */
export function seedOf(id: string): number {
  let hash = 0x811c9dc5
  for (let at = 0; at < id.length; at++) hash = Math.imul(hash ^ id.charCodeAt(at), 0x01000193)
  return mix(hash)
}

/**
 * How much a chunk wants a member: the highest score brings it (highest random weight, Thaler and Ravishankar 1998).
 * Not a cryptographic hash: members are of one fleet, and a wrong choice costs a lease, not a wrong chunk.
 */
function score(chunk: number, seed: number): number {
  return mix(Math.imul(chunk + 1, 0x9e3779b1) ^ seed)
}

/** The member with the highest score; the smaller ID where two are equal. */
export function highestScoring<M extends { readonly id: string; readonly seed: number }>(
  chunk: number,
  members: readonly M[],
): M | undefined {
  let best: M | undefined
  let bestScore = -1
  for (const member of members) {
    const its = score(chunk, member.seed)
    if (its > bestScore || (its === bestScore && best !== undefined && member.id < best.id)) {
      best = member
      bestScore = its
    }
  }
  return best
}

/** The finaliser of MurmurHash3: every bit of the input moves half of the output's. */
export function mix(value: number): number {
  let hash = value ^ (value >>> 16)
  hash = Math.imul(hash, 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}
