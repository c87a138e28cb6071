/** What is staged of a bundle that is about to be removed. */

import assert from 'node:assert/strict'
import { it } from 'node:test'
import { cidOfHash } from '../../protocol/encoding/cid.ts'
import { StagingError } from '../swarm/staging/staging.ts'
import { stageIncomplete } from './stage-incomplete.ts'

it('asks for the swarm with each chunk, and is not whole where there is no room', async () => {
  let opens = 0
  const stage = async (number: number) => {
    if (number === 2) throw new StagingError('disk-full', 'no room')
    return true
  }
  const components = {
    closures: { held: async () => ({ list: { paths: [{ described: { path: 'a' }, chunks: [0, 1, 2, 3] }] } }) },
    swarms: {
      open: async () => {
        opens++
        return { chunks: { stage } }
      },
    },
    store: { validPaths: async () => new Set() },
  }
  assert.equal(await stageIncomplete(components as never, { closure: cidOfHash(new Uint8Array(32)) } as never), false)
  assert.equal(opens, 3)
})
