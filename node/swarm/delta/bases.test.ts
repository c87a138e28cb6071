/** Old chunks that deltas are made from: read whole and verified, or not at all. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Recipe } from '../../../protocol/closure/recipe.ts'
import { equalBytes, sha256 } from '../../../protocol/encoding/hash.ts'
import { noise } from '../../../test/helpers/planted-nar.ts'
import { until } from '../../../test/helpers/until.ts'
import { Bases, packageNameOf } from './bases.ts'

const path = '/nix/store/0c0v9qz6n1l0gkp0c1d8kpb6xnzc0m5s-thing-1.2'
const nar = noise('old', 1_000_000)
const length = 100_000
const recipe: Recipe = {
  size: nar.length,
  chunks: Array.from({ length: 10 }, (_, i) => {
    return { hash: sha256(nar.subarray(i * length, (i + 1) * length)), offset: i * length, length }
  }),
  slotCount: 0,
  positions: { slots: new Uint32Array(), offsets: new Float64Array() } as never,
}
const id = sha256(Buffer.from('the recipe'))

interface Settings {
  readonly idleMs?: number
  /** What happens while the index is asked. */
  readonly meanwhile?: () => Promise<void>
}

function bases(bytes = nar, { idleMs, meanwhile }: Settings = {}) {
  let reads = 0
  const readRange = async (offset: number, size: number) => {
    reads++
    return bytes.slice(offset, offset + size)
  }
  const lookUp = async (hashes: readonly Uint8Array[]) => {
    await meanwhile?.()
    return hashes.map(hash => {
      const chunk = recipe.chunks.find(each => equalBytes(each.hash, hash))
      return chunk === undefined ? [] : [{ path, offset: chunk.offset, length }]
    })
  }
  const made = new Bases(
    {
      store: { nar: async () => ({ size: bytes.length, readRange }) },
      index: { lookUp },
      positionsOf: async () => recipe.positions,
      recipe: async asked => (equalBytes(asked, id) ? recipe : undefined),
    },
    { idleMs },
  )
  return { made, reads: () => reads }
}

describe('old chunks', () => {
  it('are read one after the other, and kept for the next', async () => {
    const { made, reads } = bases()
    const bytes = await made.read({ recipe: id, first: 2, count: 3 })
    assert.ok(bytes && equalBytes(bytes, nar.subarray(200_000, 500_000)))
    const before = reads()
    const again = await made.read({ recipe: id, first: 3, count: 2 })
    assert.ok(again && equalBytes(again, nar.subarray(300_000, 500_000)))
    assert.equal(reads(), before)
  })

  it('are forgotten when nobody needs them any more', async () => {
    const { made } = bases(nar, { idleMs: 20 })
    assert.ok(await made.read({ recipe: id, first: 2, count: 3 }))
    await until(() => made.cachedBytes === 0, 'the chunks to be forgotten')
    assert.ok(await made.read({ recipe: id, first: 2, count: 3 }))
  })

  it('are read also when those that were known are forgotten meanwhile', async () => {
    const known: { bases?: Bases } = {}
    const meanwhile = () => until(() => (known.bases?.cachedBytes ?? 0) === 0, 'the chunks to be forgotten')
    const { made } = bases(nar, { idleMs: 20, meanwhile })
    known.bases = made
    assert.ok(await made.read({ recipe: id, first: 2, count: 2 }))
    assert.ok(made.cachedBytes > 0)
    const read = await made.read({ recipe: id, first: 2, count: 3 })
    assert.ok(read && equalBytes(read, nar.subarray(2 * length, 5 * length)))
  })

  it('are nothing when the recipe has no such run, or is not here', async () => {
    const { made } = bases()
    assert.equal(await made.read({ recipe: id, first: 8, count: 3 }), undefined)
    assert.equal(await made.read({ recipe: id, first: 4_000_000_000, count: 1 }), undefined)
    assert.equal(await made.read({ recipe: sha256(Buffer.from('another')), first: 0, count: 1 }), undefined)
  })

  it('are nothing when one of them is not what it should be', async () => {
    const spoilt = Uint8Array.from(nar)
    spoilt[450_000] = (spoilt[450_000] ?? 0) ^ 1
    const { made } = bases(spoilt)
    assert.equal(await made.read({ recipe: id, first: 3, count: 3 }), undefined)
    assert.ok(await made.read({ recipe: id, first: 5, count: 3 }))
  })
})

describe('families of paths', () => {
  it('are names without hash and versions', () => {
    const name = (text: string) => packageNameOf(`/nix/store/0c0v9qz6n1l0gkp0c1d8kpb6xnzc0m5s-${text}`)
    assert.equal(name('openssl-3.0.13-bin'), 'openssl-bin')
    assert.equal(name('glibc-2.39-52'), 'glibc')
    assert.equal(name('python3.11-requests-2.31.0'), 'python3.11-requests')
    assert.equal(name('nginx.service'), 'nginx.service')
  })
})
