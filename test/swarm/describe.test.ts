/** Describing closures: recipes are made once a path, and again when a path was rebuilt with other bytes. */

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { chmod, readFile, writeFile } from 'node:fs/promises'
import { test } from 'node:test'
import { describeClosure } from '../../controller/build/describe.ts'
import { PathRecipes } from '../../node/swarm/recipe/path-recipes.ts'
import { sha256 } from '../../protocol/encoding/hash.ts'
import { formatNixPublicKey, parseNixPublicKey, verifyPath } from '../../protocol/nix/signature.ts'
import { connect } from '../helpers/mesh.ts'
import { content, SwarmWorld } from '../helpers/swarm.ts'
import { missingNix } from '../store/real-stores.ts'

const options = { skip: await missingNix(), timeout: 600_000 }

test('a closure is described once, signed, and anew where a path has other bytes', options, async t => {
  const world = await SwarmWorld.of(t)
  const { real, store, state, damaged, peerState } = await world.controller()
  const table = peerState.database.table('described')
  const top = await world.build(real, content('described', 300_000))
  const made: [number, number][] = []
  const describe = (of = store) =>
    describeClosure(new PathRecipes({ store: of, documents: state, table, damaged }), top, world.key, (done, all) =>
      made.push([done, all]),
    )
  const closure = await describe()
  assert.deepEqual(made.at(-1), [3, 3])
  assert.equal(closure.paths.at(-1)?.path, top)
  const infos = await store.closure(top)
  for (const [place, info] of infos.entries()) {
    const [signature = ''] = closure.paths[place]?.signatures ?? []
    assert.ok(verifyPath(info, signature, [parseNixPublicKey(formatNixPublicKey(world.key))]))
  }
  made.length = 0
  assert.deepEqual(await describe(), closure)
  assert.deepEqual(made, [])

  // Collected and built again, as a build that isn't reproducible may.
  const [lib] = infos
  assert.ok(lib)
  await chmod(real.root + lib.path, 0o644)
  await writeFile(real.root + lib.path, content('other', 300_000).lib)
  const nar = await real.dump(lib.path)
  const rebuilt = infos.map(info => (info === lib ? { ...lib, narHash: sha256(nar), narSize: nar.length } : info))
  const realPath = (path: string) => real.root + path
  const again = await describe({ closure: async () => rebuilt, realPath } as never)
  assert.deepEqual(made.at(-1), [1, 1])
  assert.notDeepEqual(again.paths[0]?.recipe, closure.paths[0]?.recipe)
  assert.deepEqual(
    again.paths.slice(1).map(({ recipe }) => recipe),
    closure.paths.slice(1).map(({ recipe }) => recipe),
  )
})

test('a damaged path of the store is found when it is asked for, told, and not described again', options, async t => {
  const world = await SwarmWorld.of(t)
  const [controller, device] = await Promise.all([world.controller(), world.peer('device')])
  const { closures } = controller.door
  const config = await world.release(controller, content('damaged', 300_000))
  const [lib] = await controller.store.closure(config.topLevel)
  assert.ok(lib)
  const file = controller.real.root + lib.path
  const sound = await readFile(file)
  await chmod(file, 0o644)
  await writeFile(file, Buffer.alloc(sound.length, 'x'))
  const found = once(controller.damaged, 'found')
  await connect(device, controller)
  const ended = new AbortController()
  const fetching = assert.rejects(world.fetch(device, config, { signal: ended.signal }))
  assert.deepEqual(await found, [lib.path])
  ended.abort(new Error('enough'))
  await fetching
  assert.deepEqual(closures.damaged.all, [lib.path])
  const refused = { code: 'nar-mismatch', hint: /--repair-path/ }
  await assert.rejects(describeClosure(closures, config.topLevel, world.key), refused)
  await writeFile(file, sound)
  await chmod(file, 0o444)
  await controller.damaged.check()
  assert.deepEqual(closures.damaged.all, [])
  await describeClosure(closures, config.topLevel, world.key)
})

test('a path that was damaged since it was described is found without anybody asking for it', options, async t => {
  const world = await SwarmWorld.of(t)
  const { door, real, store } = await world.controller()
  const top = await world.build(real, content('unasked', 300_000))
  await describeClosure(door.closures, top, world.key)
  const [lib] = await store.closure(top)
  assert.ok(lib)
  const file = real.root + lib.path
  await chmod(file, 0o644)
  await writeFile(file, Buffer.alloc((await readFile(file)).length, 'x'))
  const refused = { code: 'nar-mismatch', hint: /--repair-path/ }
  await assert.rejects(describeClosure(door.closures, top, world.key), refused)
  assert.deepEqual(door.closures.damaged.all, [lib.path])
})
