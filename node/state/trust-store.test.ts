/** Tests of the metadata on disk: loaded as it was kept, also after a rotation that was cut off. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { updateRoot } from '../../protocol/trust/trusted-set.ts'
import { withCode } from '../../test/helpers/errors.ts'
import { testFleet, testSigner } from '../../test/helpers/fleet.ts'
import { testRoot } from '../../test/helpers/metadata.ts'
import { dump, testState } from '../../test/helpers/state.ts'
import { TrustStore } from './trust-store.ts'

const fleet = testFleet()
const { keys } = fleet
const founded = fleet.published
const released = fleet.release({ message: 'news' })

async function keptStore(t: Parameters<typeof testState>[0]) {
  const { database } = await testState(t)
  const store = new TrustStore(database)
  await store.keep(founded.trusted, founded.documents)
  await store.keep(released.trusted, released.documents)
  return { database, store }
}

describe('TrustStore', () => {
  it('has nothing at first', async t => {
    const { database } = await testState(t)
    assert.deepEqual(await new TrustStore(database).load(fleet.fleet), { trusted: undefined, complete: undefined })
  })

  it('loads what was kept last', async t => {
    const { store } = await keptStore(t)
    const { trusted, complete } = await store.load(fleet.fleet)
    assert.equal(trusted, complete)
    assert.equal(complete?.targets?.signed.version, 2)
    assert.equal(complete?.timestamp?.signed.version, 2)
    assert.deepEqual(Object.keys(complete?.delegated ?? {}), ['members'])
  })

  it('keeps every root to be relayed', async t => {
    const { store } = await keptStore(t)
    const second = updateRoot(released.trusted, testRoot({ version: 2 }))
    await store.keepRoot(second)
    assert.deepEqual(Buffer.from((await store.root(1)) ?? []), Buffer.from(founded.trusted.root.bytes))
    assert.deepEqual(Buffer.from((await store.root(2)) ?? []), Buffer.from(second.root.bytes))
    assert.equal(await store.root(3), undefined)
  })

  it("refuses another fleet's state", async t => {
    const { database, store } = await keptStore(t)
    const before = await dump(database)
    await assert.rejects(store.load(testFleet({ name: 'elsewhere' }).fleet), withCode('other-fleet'))
    assert.deepEqual(await dump(database), before)
  })

  it('takes no set that is not complete', async t => {
    const { database } = await testState(t)
    const { timestamp, ...rest } = founded.trusted
    await assert.rejects(new TrustStore(database).keep(rest, []), RangeError)
    assert.deepEqual(await dump(database), [])
  })

  for (const role of ['timestamp', 'snapshot', 'targets'] as const) {
    it(`goes on with its accepted state when a rotation of the ${role} key was cut off`, async t => {
      const { store } = await keptStore(t)
      const signer = testSigner(`new ${role}`)
      await store.keepRoot(updateRoot(released.trusted, testRoot({ version: 2, roles: { [role]: [signer] } })))
      const { trusted, complete } = await store.load(fleet.fleet)
      assert.equal(trusted?.root.signed.version, 2)
      assert.equal(trusted?.[role], undefined, `nothing of ${role} is trusted by the new root`)
      assert.equal(complete?.root.signed.version, 1)
      assert.equal(complete?.targets?.signed.version, 2)
      assert.equal(trusted?.timestamp === undefined, role === 'timestamp')
    })
  }

  it('loads a set below a root that changed other keys only', async t => {
    const { store } = await keptStore(t)
    const rotated = testRoot({
      version: 2,
      roles: { root: [testSigner('new root')] },
      signers: [keys.root, testSigner('new root')],
    })
    await store.keepRoot(updateRoot(released.trusted, rotated))
    const { trusted, complete } = await store.load(fleet.fleet)
    assert.equal(trusted, complete)
    assert.equal(complete?.root.signed.version, 2)
    assert.equal(complete?.targets?.signed.version, 2)
  })
})
