/** Merkle trees over append-only logs, as RFC 6962 and RFC 9162 define them: roots, and proofs that a log has only grown. */

import { equalBytes, sha256 } from '../encoding/hash.ts'

/** Some leaves beside each other, from the first to before the last. */
export type Range = readonly [from: number, to: number]

/** The root of a log without entries. */
export const emptyRoot: Uint8Array = sha256()

const leafPrefix = Uint8Array.of(0)
const nodePrefix = Uint8Array.of(1)

/** The hash of one entry. */
export function leafHash(entry: Uint8Array): Uint8Array {
  return sha256(leafPrefix, entry)
}

/** The hash of two subtrees beside each other. */
export function nodeHash(left: Uint8Array, right: Uint8Array): Uint8Array {
  return sha256(nodePrefix, left, right)
}

/** The root of a tree over these hashes of entries. */
export function rootOf(leaves: readonly Uint8Array[]): Uint8Array {
  return rootOfFrontier(leaves.reduce((frontier, leaf) => grown(frontier, leaf), noEntries).hashes)
}

/** How many leaves the left side of a tree has: the largest power of two that is smaller than its size. */
export function leftOf(size: number): number {
  return 2 ** Math.floor(Math.log2(size - 1))
}

/** All that must be known of a log to append to it: the roots of its complete subtrees, the largest first. */
export interface Frontier {
  readonly size: number
  readonly hashes: readonly Uint8Array[]
}

export const noEntries: Frontier = { size: 0, hashes: [] }

/** The frontier after one more entry, by its hash. */
export function grown({ size, hashes }: Frontier, leaf: Uint8Array): Frontier {
  const next = [...hashes]
  let node = leaf
  for (let rest = size; rest % 2 === 1; rest = (rest - 1) / 2) node = nodeHash(next.pop() ?? emptyRoot, node)
  return { size: size + 1, hashes: [...next, node] }
}

export function rootOfFrontier(hashes: readonly Uint8Array[]): Uint8Array {
  return (
    hashes.reduceRight<Uint8Array | undefined>(
      (right, left) => (right === undefined ? left : nodeHash(left, right)),
      undefined,
    ) ?? emptyRoot
  )
}

/** The leaves below each hash of a frontier. */
export function frontierRanges(size: number): Range[] {
  const ranges: Range[] = []
  for (let from = 0, rest = size; rest > 0; ) {
    const width = 2 ** Math.floor(Math.log2(rest))
    ranges.push([from, from + width])
    from += width
    rest -= width
  }
  return ranges
}

/** The subtrees whose roots prove that a log of one size is the beginning of the same log of a larger one (RFC 6962, 2.1.2). */
export function consistencyRanges(before: number, after: number): Range[] {
  if (before === 0 || before >= after) return []
  const below = (size: number, from: number, to: number, whole: boolean): Range[] => {
    if (size === to - from) return whole ? [] : [[from, to]]
    const left = leftOf(to - from)
    if (size <= left) return [...below(size, from, from + left, whole), [from + left, to]]
    return [...below(size - left, from + left, to, false), [from, from + left]]
  }
  return below(before, 0, after, true)
}

/** A log's size and root. */
export interface TreeHead {
  readonly size: number
  readonly root: Uint8Array
}

/** Whether a proof shows that the log with the first head only grew to that with the second one (RFC 9162, 2.1.4.2). */
export function isConsistent(before: TreeHead, after: TreeHead, proof: readonly Uint8Array[]): boolean {
  if (before.size > after.size) return false
  if (before.size === after.size) return proof.length === 0 && equalBytes(before.root, after.root)
  if (before.size === 0) return proof.length === 0 && equalBytes(before.root, emptyRoot)
  const isComplete = Number.isInteger(Math.log2(before.size))
  const [first, ...path] = isComplete ? [before.root, ...proof] : proof
  if (first === undefined) return false
  let [old, all] = [before.size - 1, after.size - 1]
  const up = () => {
    old = Math.floor(old / 2)
    all = Math.floor(all / 2)
  }
  while (old % 2 === 1) up()
  let [oldRoot, newRoot] = [first, first]
  for (const hash of path) {
    if (all === 0) return false
    if (old % 2 === 1 || old === all) {
      oldRoot = nodeHash(hash, oldRoot)
      newRoot = nodeHash(hash, newRoot)
      while (old % 2 === 0 && old !== 0) up()
    } else newRoot = nodeHash(newRoot, hash)
    up()
  }
  return all === 0 && equalBytes(oldRoot, before.root) && equalBytes(newRoot, after.root)
}
