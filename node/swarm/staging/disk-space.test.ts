/** Tests of the room that an update needs. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { diskSpaceProblem, inodeReserve } from './disk-space.ts'

const MiB = 1 << 20
const store = (free: number, inodes?: number) => ({
  store: { freeBytes: async () => free, freeInodes: async () => inodes, stateDir: '/nowhere/nix/var/nix' },
})

describe('the room for an update', () => {
  it('is that of its NARs and of what is staged, a tenth more, and what must stay free', async () => {
    const need = { paths: 1, nars: 100 * MiB, staged: 50 * MiB, reserve: 10 * MiB }
    assert.equal(await diskSpaceProblem(store(175 * MiB), need), undefined)
    assert.equal(await diskSpaceProblem(store(174 * MiB), need), 'expected 175 MiB free for the update, got 174 MiB')
  })

  it('is inodes, too: one for each path at least, and some that stay free', async () => {
    const need = { paths: 10, nars: MiB, staged: 0, reserve: 0 }
    assert.equal(await diskSpaceProblem(store(2 * MiB, 10 + inodeReserve), need), undefined)
    const lack = await diskSpaceProblem(store(2 * MiB, 9 + inodeReserve), need)
    assert.equal(lack, `expected ${10 + inodeReserve} free inodes for the update, got ${9 + inodeReserve}`)
  })

  it('is looked for where chunks are staged, if that is another disk', async () => {
    const need = { paths: 1, nars: MiB, staged: 2 ** 60, reserve: 0 }
    const { store: roomy } = store(2 ** 59)
    const components = { store: { ...roomy, stateDir: '/proc' }, stagingDirectory: '/tmp' }
    assert.match((await diskSpaceProblem(components, need)) ?? '', /for staged chunks/)
  })
})
