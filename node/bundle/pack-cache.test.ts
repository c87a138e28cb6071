/** The cache of packs: it unpacks once, and gives right bytes while packs push each other out. */

import assert from 'node:assert/strict'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { scratchPacks } from './limits.ts'
import { PackCache } from './pack-cache.ts'

describe('the cache of packs', () => {
  for (const kind of ['memory', 'a scratch file'] as const) {
    it(`in ${kind} gives the right bytes under pressure`, async t => {
      const { cache } = await open(t, kind)
      const body = (key: number) => Buffer.alloc(1000, key)
      const ask = async (key: number) => {
        const part = await cache.part(String(key), 10, 20, async () => body(key))
        assert.deepEqual(Buffer.from(part), Buffer.alloc(20, key))
      }
      const keys = Array.from({ length: 400 }, (_, i) => (i * 7) % (scratchPacks * 2 + 1))
      await Promise.all(keys.map(ask))
      for (const key of keys.slice(0, 50)) await ask(key)
    })

    it(`in ${kind} unpacks once for all who ask, and again after a failure`, async t => {
      const { cache } = await open(t, kind)
      let unpacked = 0
      const unpack = async () => {
        unpacked++
        if (unpacked === 1) throw new Error('a loose contact')
        return Buffer.from('abcdef')
      }
      await assert.rejects(cache.part('0', 0, 3, unpack), /a loose contact/)
      const parts = await Promise.all([0, 1, 2].map(offset => cache.part('0', offset, 2, unpack)))
      assert.deepEqual(
        parts.map(part => Buffer.from(part).toString()),
        ['ab', 'bc', 'cd'],
      )
      assert.equal(unpacked, 2)
    })
  }

  it('leaves no file behind', async t => {
    const { folder } = await open(t, 'a scratch file')
    assert.deepEqual(await readdir(folder), [])
  })
})

async function open(t: TestContext, kind: 'memory' | 'a scratch file') {
  const folder = await mkdtemp(join(tmpdir(), 'thymesh-packs-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  const cache = await PackCache.open(kind === 'memory' ? undefined : folder)
  t.after(() => cache.close())
  return { cache, folder }
}
