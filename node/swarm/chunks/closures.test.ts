/** Tests of closure descriptors and recipes: fetched once, checked, and served for accepted releases only. */

import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { type Closure, closureCodec } from '../../../protocol/closure/closure.ts'
import { encodeRecipe, recipeId } from '../../../protocol/closure/recipe.ts'
import { hashOfCid } from '../../../protocol/encoding/cid.ts'
import { equalBytes, sha256 } from '../../../protocol/encoding/hash.ts'
import { withCode } from '../../../test/helpers/errors.ts'
import { testClosure, testConfig, testFleet } from '../../../test/helpers/fleet.ts'
import { silentLogger } from '../../../test/helpers/log.ts'
import { noPositions } from '../../../test/helpers/planted-nar.ts'
import { dump, testState } from '../../../test/helpers/state.ts'
import { FleetState } from '../../state/fleet-state.ts'
import { Closures } from './closures.ts'

/** A closure with recipes that fit it, each of one chunk; and the recipes' bytes. */
function describedClosure(name: string): { closure: Closure; recipes: Uint8Array[] } {
  const { paths } = testClosure(name)
  const recipes = paths.map(({ narSize, narHash }) =>
    encodeRecipe({
      size: narSize,
      chunks: [{ hash: narHash, offset: 0, length: narSize }],
      slotCount: 0,
      positions: noPositions,
    }),
  )
  const closure = {
    v: 1 as const,
    paths: paths.map((path, i) => ({ ...path, recipe: recipeId(recipes[i] ?? path.recipe) })),
  }
  return { closure, recipes }
}

const fleet = testFleet()
const { closure, recipes } = describedClosure('kiosk')
const config = testConfig(closure)
const hash = hashOfCid(config.closure)
const released = fleet.release({ configs: { kiosk: config } })

async function scene(t: TestContext, held: Uint8Array[] = [closureCodec.encode(closure), ...recipes]) {
  const { database, clock } = await testState(t)
  const state = await FleetState.load(fleet.fleet, database, clock)
  await state.accept(released.trusted, async named => fleet.document(named.hash) ?? named.hash)
  let fetches = 0
  const fetch = async (wanted: Uint8Array) => {
    fetches++
    const found = held.find(bytes => equalBytes(sha256(bytes), wanted))
    if (found === undefined) throw new Error('nobody has it')
    return found
  }
  const components = { state, documents: { fetch }, log: silentLogger }
  const closures = new Closures(components)
  await closures.load()
  return { database, state, closures, fetches: () => fetches }
}

describe('Closures', () => {
  it('fetches a descriptor and its recipes once, and numbers the chunks', async t => {
    const { closures, fetches } = await scene(t)
    const known = await closures.get(config)
    assert.deepEqual(known.closure, closure)
    assert.equal(known.list.count, 3)
    await closures.get(config)
    assert.equal(fetches(), 1 + recipes.length)
    assert.deepEqual(closures.withPath(config.topLevel), hashOfCid(config.closure))
  })

  it('serves what an accepted release names, once its documents are here', async t => {
    const { closures } = await scene(t)
    assert.equal(closures.isReleased(hash), true)
    assert.equal(closures.isReleased(sha256(Buffer.from('another'))), false)
    assert.equal(await closures.held(hash), undefined)
    await closures.get(config)
    assert.deepEqual((await closures.held(hash))?.closure, closure)
  })

  it('keeps what it described itself', async t => {
    const { closures, state } = await scene(t)
    assert.ok((await closures.add(closure)).equals(config.closure))
    assert.deepEqual(Buffer.from((await state.document(hash)) ?? []), Buffer.from(closureCodec.encode(closure)))
  })

  it('refuses the closure of something else, and what nobody has', async t => {
    const other = describedClosure('other')
    const { closures, database } = await scene(t, [closureCodec.encode(other.closure), ...other.recipes])
    const before = await dump(database)
    await assert.rejects(closures.get(config), /nobody has it/)
    assert.deepEqual(await dump(database), before)
    const lying = { ...config, closure: testConfig(other.closure).closure }
    await assert.rejects(closures.get(lying), withCode('wrong-closure'))
    assert.equal(closures.withPath(other.closure.paths[0]?.path ?? ''), undefined)
  })
})
