/** Tests of damaged paths: told once, remembered, and forgotten when they are sound again. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { damageText } from '../../../protocol/report/damage.ts'
import { silentLogger } from '../../../test/helpers/log.ts'
import { DamagedPaths } from './damaged-paths.ts'

const [one, other] = ['/nix/store/1111-one', '/nix/store/2222-other'] as const

function world() {
  const kept = new Map<string, Uint8Array>()
  const sound = new Set<string>()
  const table = {
    put: async (key: string, value: Uint8Array) => void kept.set(key, value),
    delete: async (key: string) => void kept.delete(key),
    keys: async function* () {
      yield* [...kept.keys()]
    },
  }
  const store = {
    isSound: async (path: string) => {
      if (path === other) throw new Error('no daemon')
      return sound.has(path)
    },
  }
  return { kept, sound, make: () => new DamagedPaths({ table, store, log: silentLogger }) }
}

test('damaged paths: told once, and remembered over a restart', async t => {
  const { make } = world()
  const damaged = make()
  const found: string[] = []
  damaged.on('found', path => found.push(path))
  await damaged.found(other)
  await damaged.found(one)
  await damaged.found(one)
  assert.deepEqual(found, [other, one])
  const again = make()
  await again.start()
  t.after(() => again.stop())
  assert.deepEqual(again.all, [one, other])
})

test('damaged paths: a path that is sound again leaves the list; one that cannot be asked about stays', async () => {
  const { kept, sound, make } = world()
  const damaged = make()
  await damaged.found(one)
  await damaged.found(other)
  await damaged.check()
  assert.deepEqual(damaged.all, [one, other])
  sound.add(one)
  await damaged.check()
  assert.deepEqual(damaged.all, [other])
  assert.deepEqual([...kept.keys()], [other])
})

test('damaged paths: the text names the path and the command that repairs it', () => {
  assert.equal(damageText([]), undefined)
  assert.match(
    damageText([one, other]) ?? '',
    /1111-one \(and 1 more\) is damaged .*nix-store --repair-path .*1111-one$/,
  )
})
