/** Rendezvous hashing: all peers that know the same members assign a chunk to the same one, without communicating. */

/** A 32-bit seed from a peer ID (FNV-1a over its UTF-16 units), which its scores are derived from. */
export function seedOf(id: string): number {
  let hash = 0x811c9dc5
  for (let at = 0; at < id.length; at++) hash = Math.imul(hash ^ id.charCodeAt(at), 0x01000193)
  return mix(hash)
}

/**
 * A member's score for a chunk: the member with the highest score fetches it (highest random weight, Thaler and
 * Ravishankar 1998). Not a cryptographic hash: members belong to one fleet, and a wrong choice costs a lease, not a
 * wrong chunk.
 */
function score(chunk: number, seed: number): number {
  return mix(Math.imul(chunk + 1, 0x9e3779b1) ^ seed)
}

/** The member with the highest score; of equal ones that with the smaller ID. */
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

/** The finaliser of MurmurHash3: every bit of the input changes half of the output's. */
export function mix(value: number): number {
  let hash = value ^ (value >>> 16)
  hash = Math.imul(hash, 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}
