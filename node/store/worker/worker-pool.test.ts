/** Connections are lent once at a time, kept for a while, replaced when they died, and all gone after stop. */
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { FakeDaemon } from '../../../test/helpers/fake-daemon.ts'
import { WorkerClient } from './worker-client.ts'
import { WorkerPool, type WorkerPoolOptions } from './worker-pool.ts'
import { WireMessage } from './worker-wire.ts'

const PATH = '/nix/store/ab3li50xq0nl4q5lxdyinb8w8y13my9s-f'

function pool(t: TestContext, options: Omit<WorkerPoolOptions, 'open'> = {}) {
  const daemons: FakeDaemon[] = []
  const open = async () => {
    const daemon = new FakeDaemon()
    daemons.push(daemon)
    const [client] = await Promise.all([WorkerClient.open(daemon.transport), daemon.greet(38)])
    return client
  }
  const workers = new WorkerPool({ open, ...options })
  t.after(() => workers.stop())
  return { daemons, workers }
}

test('requests share connections, and at most so many at a time', async t => {
  const { daemons, workers } = pool(t, { maxConnections: 2 })
  let running = 0
  let most = 0
  await Promise.all(
    Array.from({ length: 20 }, () =>
      workers.query(async () => {
        most = Math.max(most, ++running)
        await new Promise(resolve => setImmediate(resolve))
        running--
      }),
    ),
  )
  assert.equal(most, 2)
  assert.equal(daemons.length, 2)
  assert.equal(workers.size, 2)
})

test('a query goes again when its idle connection had died, once', async t => {
  const { daemons, workers } = pool(t)
  await workers.query(async () => {})
  const asked = workers.query(client => client.isValidPath(PATH))
  await daemons[0]?.reader.u64()
  await daemons[0]?.end()
  while (daemons.length < 2) await new Promise(resolve => setImmediate(resolve))
  const second = daemons[1]
  assert.ok(second !== undefined)
  // The pool opened it; from here on it only has to answer.
  assert.equal(await second.reader.u64(), 1)
  await second.reader.string()
  second.done(new WireMessage().u64(1))
  assert.equal(await asked, true)

  const again = workers.work(
    client => client.isValidPath(PATH),
    async (_, valid) => valid,
  )
  await second.reader.u64()
  await second.end()
  while (daemons.length < 3) await new Promise(resolve => setImmediate(resolve))
  await daemons[2]?.reader.u64()
  await daemons[2]?.end()
  await assert.rejects(again, { code: 'store-unavailable' })
})

test('idle connections close after a while, and on renew', async t => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const { daemons, workers } = pool(t, { idleMs: 10_000 })
  await workers.query(async () => {})
  t.mock.timers.tick(9_999)
  assert.equal(workers.size, 1)
  t.mock.timers.tick(1)
  assert.equal(workers.size, 0)
  assert.equal(daemons[0]?.destroyed, 1)

  await workers.query(async () => {
    void workers.renew()
  })
  assert.equal(workers.size, 0)
  assert.equal(daemons[1]?.destroyed, 1)
})

test('stop ends what is idle, in use, waiting and opening', async t => {
  const { daemons, workers } = pool(t, { maxConnections: 1 })
  const inUse = workers.query(client => client.isValidPath(PATH))
  const waiting = workers.query(async () => {})
  while (workers.size === 0) await new Promise(resolve => setImmediate(resolve))
  await Promise.all([
    workers.stop(),
    assert.rejects(inUse, { code: 'store-unavailable' }),
    assert.rejects(waiting, { code: 'store-unavailable' }),
  ])
  assert.ok(daemons.every(daemon => daemon.destroyed > 0))
  await assert.rejects(
    workers.query(async () => {}),
    { code: 'store-unavailable' },
  )
})
