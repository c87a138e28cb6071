/** Tests of the room that an update needs. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { lackOfSpace } from './space.ts'

const MiB = 1 << 20
const store = (free: number) => ({ store: { freeBytes: async () => free, stateDir: '/nowhere/nix/var/nix' } })

describe('the room for an update', () => {
  it('is that of its NARs and of what is staged, a tenth more, and what must stay free', async () => {
    const need = { nars: 100 * MiB, staged: 50 * MiB, reserve: 10 * MiB }
    assert.equal(await lackOfSpace(store(175 * MiB), need), undefined)
    assert.equal(await lackOfSpace(store(174 * MiB), need), 'expected 175 MiB free for the update, got 174 MiB')
  })

  it('is looked for where chunks are staged, if that is another disk', async () => {
    const need = { nars: MiB, staged: 2 ** 60, reserve: 0 }
    const components = { store: { freeBytes: async () => 2 ** 59, stateDir: '/proc' }, stagingDirectory: '/tmp' }
    assert.match((await lackOfSpace(components, need)) ?? '', /for what is in flight/)
  })
})
