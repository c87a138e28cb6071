/** Tests of sharded releases as they are read from the disk: one that says more than its shards do is not applied at all. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { toHex } from '../../protocol/encoding/hash.ts'
import type { Release } from '../../protocol/release/release.ts'
import { splitRelease } from '../../protocol/release/split-release.ts'
import { byHash, sampleName, shardedSample } from '../../test/helpers/sharded.ts'
import { withShards } from './sharded-release.ts'

const whole = shardedSample(30)
const { plain, documents } = splitRelease(whole, 500)
const here = byHash(documents)
const read = (release: Release, has = true) =>
  withShards(release, async hash => (has ? here.get(toHex(hash)) : undefined))

describe('a sharded release', () => {
  it('is whole where all its shards are, and names nobody before', async () => {
    assert.deepEqual((await read(plain)).devices, whole.devices)
    const without = await read(plain, false)
    assert.deepEqual([without.devices, without.sharded?.problem], [{}, undefined])
  })

  const { configs } = whole
  const victim = { [sampleName(3)]: { config: 'kiosk' } }
  const uncritical = { values: plain.extensions?.values ?? {}, critical: [] }
  const refused: Record<string, [Release, RegExp]> = {
    'names a device in its own document too': [{ ...plain, configs, devices: victim }, /got kiosk, kiosk-00003 beside/],
    'has a config in its own document': [{ ...plain, configs }, /got kiosk beside them/],
    'does not say that peers have to know shards': [{ ...plain, extensions: uncritical }, /as not critical/],
    "is of a site's operators": [{ ...plain, site: 'berlin' }, /got one of the site berlin/],
  }
  for (const [what, [release, reason]] of Object.entries(refused)) {
    it(`is not applied, not even in part, if it ${what}`, async () => {
      for (const has of [true, false]) {
        const { sharded, ...joined } = await read(release, has)
        assert.deepEqual([joined.configs, joined.devices, sharded?.plain], [{}, {}, release])
        assert.equal(sharded?.problem?.code, 'wrong-manifest')
        assert.match(sharded?.problem?.message ?? '', reason)
      }
    })
  }
})
