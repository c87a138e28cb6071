/** Tests of comparing with a sharded release: what is not here is said. */

import assert from 'node:assert/strict'
import { it } from 'node:test'
import { withoutShards } from '../../protocol/release/join-shards.ts'
import { splitRelease } from '../../protocol/release/split-release.ts'
import { joinSplit, sampleName, shardedSample } from '../../test/helpers/sharded.ts'
import type { Session } from '../session/session.ts'
import { lackingNote } from './released.ts'

it('says of a sharded release what is missing of it, and nothing of a whole one', async () => {
  const whole = shardedSample(200)
  const split = splitRelease(whole, 500)
  const noteOf = async (release: unknown) =>
    await lackingNote({ peer: { state: { accepted: { release } } } } as unknown as Session, {})
  assert.equal(await noteOf(whole), undefined)
  assert.equal(await noteOf(joinSplit(split)), undefined)
  assert.equal(await noteOf(undefined), undefined)
  const part = joinSplit(split, { all: false, devices: [sampleName(3)] })
  assert.match(
    (await noteOf(part)) ?? '',
    /^Note: expected all shards of release 2 here, \d+ of its \d+ shards did not come yet/,
  )
  assert.match((await noteOf(withoutShards(split.plain))) ?? '', /its manifest did not come yet/)
})
