/** Merkle trees of logs: the known hashes of RFC 6962's test vectors, and that no other history passes for consistent. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { fromHex, toHex } from '../encoding/hash.ts'
import {
  consistencyRanges,
  emptyRoot,
  frontierRanges,
  grown,
  isConsistent,
  leafHash,
  noEntries,
  type Range,
  rootOf,
  rootOfFrontier,
} from './merkle.ts'

/** The entries of the vectors that the implementations of Certificate Transparency share, and the root after each. */
const vectors = [
  ['', '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d'],
  ['00', 'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125'],
  ['10', 'aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77'],
  ['2021', 'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7'],
  ['3031', '4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4'],
  ['40414243', '76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef'],
  ['5051525354555657', 'ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c'],
  ['606162636465666768696a6b6c6d6e6f', '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328'],
] as const

const entries = (count: number, word = 'entry') =>
  Array.from({ length: count }, (_, at) => leafHash(Buffer.from(`${word} ${at}`)))
const proofOf = (leaves: readonly Uint8Array[], before: number, after: number) =>
  consistencyRanges(before, after).map(([from, to]: Range) => rootOf(leaves.slice(from, to)))
const headOf = (leaves: readonly Uint8Array[], size: number) => ({ size, root: rootOf(leaves.slice(0, size)) })

describe('the tree of a log', () => {
  it('has the roots of the known vectors', () => {
    assert.equal(toHex(emptyRoot), 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855')
    const leaves = vectors.map(([entry]) => leafHash(fromHex(entry)))
    vectors.forEach(([, root], at) => {
      assert.equal(toHex(rootOf(leaves.slice(0, at + 1))), root)
    })
  })

  it('goes on from its frontier, whose hashes are those of its ranges', () => {
    const leaves = entries(70)
    let frontier = noEntries
    leaves.forEach((leaf, at) => {
      frontier = grown(frontier, leaf)
      assert.deepEqual(rootOfFrontier(frontier.hashes), rootOf(leaves.slice(0, at + 1)))
      assert.deepEqual(
        frontierRanges(at + 1).map(([from, to]) => rootOf(leaves.slice(from, to))),
        [...frontier.hashes],
      )
    })
  })

  it('proves each earlier size of itself', () => {
    const leaves = entries(40)
    for (let after = 0; after <= 40; after++) {
      for (let before = 0; before <= after; before++) {
        const proof = proofOf(leaves, before, after)
        assert.ok(isConsistent(headOf(leaves, before), headOf(leaves, after), proof), `${before} in ${after}`)
      }
    }
  })

  it('proves no other history: an entry changed, left out or swapped, a hash or a bit of the proof', () => {
    const leaves = entries(37)
    const changed = leaves.with(5, leafHash(Buffer.from('another')))
    const shorter = leaves.toSpliced(5, 1)
    const swapped = leaves.with(5, leaves[6] as Uint8Array).with(6, leaves[5] as Uint8Array)
    for (const size of [7, 8, 16, 20, 32, 36]) {
      for (const other of [changed, shorter, swapped]) {
        const after = headOf(other, other.length)
        assert.ok(!isConsistent(headOf(leaves, size), after, proofOf(other, size, other.length)))
        assert.ok(!isConsistent(headOf(leaves, size), after, proofOf(leaves, size, 37)))
      }
      const proof = proofOf(leaves, size, 37)
      const [before, after] = [headOf(leaves, size), headOf(leaves, 37)]
      for (const [at, hash] of proof.entries()) {
        assert.ok(!isConsistent(before, after, proof.toSpliced(at, 1)))
        for (const bit of [0, 101, 255]) {
          const flipped = Uint8Array.from(hash, (byte, place) =>
            place === Math.floor(bit / 8) ? byte ^ (1 << (bit % 8)) : byte,
          )
          assert.ok(!isConsistent(before, after, proof.with(at, flipped)))
        }
      }
      assert.ok(!isConsistent(before, after, [...proof, emptyRoot]))
      assert.ok(!isConsistent(after, before, proof), 'a log that shrank')
    }
    assert.ok(!isConsistent({ size: 0, root: leafHash(emptyRoot) }, headOf(leaves, 3), []))
  })
})
