/** Tests of closure descriptors: fetched once, checked, and served for releases that were believed only. */

import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { type Closure, closureCodec } from '../../protocol/closure.ts'
import { equalBytes, sha256 } from '../../protocol/hash.ts'
import { withCode } from '../../test/helpers/errors.ts'
import { testClosure, testConfig, testFleet } from '../../test/helpers/fleet.ts'
import { dump, testState } from '../../test/helpers/state.ts'
import { silentLogger } from '../log.ts'
import { FleetState } from '../state/fleet-state.ts'
import { Closures } from './closures.ts'

const fleet = testFleet()
const closure = testClosure('kiosk')
const config = testConfig(closure)
const released = fleet.release({ configs: { kiosk: config } })

async function scene(t: TestContext, held: Closure[] = [closure]) {
  const { database, clock } = await testState(t)
  const state = await FleetState.load(fleet.fleet, database, clock)
  await state.believe(released.trusted, async ({ hash }) => fleet.document(hash) ?? hash)
  let fetches = 0
  const fetch = async (hash: Uint8Array) => {
    fetches++
    const found = held.map(closureCodec.encode).find(bytes => equalBytes(sha256(bytes), hash))
    if (found === undefined) throw new Error('nobody has it')
    return found
  }
  const components = { state, documents: { fetch }, log: silentLogger }
  return { database, components, closures: new Closures(components), fetches: () => fetches }
}

const requestOf = ({ path, narHash }: { path: string; narHash: Uint8Array }) => ({ path, narHash })

describe('Closures', () => {
  it('fetches a descriptor once, and serves its paths from then on', async t => {
    const { closures, fetches, components } = await scene(t)
    const [library] = closure.paths
    assert.ok(library)
    assert.equal(closures.isServed(requestOf(library)), false)
    assert.deepEqual(await closures.get(config), closure)
    assert.deepEqual(await closures.get(config), closure)
    assert.equal(fetches(), 1)
    assert.equal(closures.isServed(requestOf(library)), true)
    assert.equal(closures.isServed({ ...requestOf(library), narHash: new Uint8Array(32) }), false)
    const again = new Closures(components)
    await again.load()
    assert.equal(again.isServed(requestOf(library)), true)
  })

  it('serves what it described itself', async t => {
    const { closures, database } = await scene(t)
    const { cid, bytes } = await closures.add(closure)
    assert.ok(cid.equals(config.closure))
    assert.deepEqual(
      Buffer.from((await database.table('documents').get(Buffer.from(sha256(bytes)).toString('hex'))) ?? []),
      Buffer.from(bytes),
    )
    assert.ok(closure.paths.every(path => closures.isServed(requestOf(path))))
  })

  it('refuses the closure of something else, and keeps nothing', async t => {
    const other = testClosure('other')
    const { closures, database } = await scene(t, [other])
    const before = await dump(database)
    const lying = { ...config, closure: testConfig(other).closure }
    await assert.rejects(closures.get(lying), withCode('wrong-closure'))
    await assert.rejects(closures.get(config), /nobody has it/)
    assert.deepEqual(await dump(database), before)
    assert.ok(other.paths.every(path => !closures.isServed(requestOf(path))))
  })
})
