/** The worker protocol against daemons of other versions than the one installed, and against broken ones. */
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { FakeDaemon } from '../../../test/helpers/fake-daemon.ts'
import type { PathInfo } from '../path-info.ts'
import { WorkerClient, type WorkerClientOptions } from './worker-client.ts'
import { WireMessage } from './worker-wire.ts'

const PATH = '/nix/store/ab3li50xq0nl4q5lxdyinb8w8y13my9s-f'
const INFO: PathInfo = { path: PATH, narHash: new Uint8Array(32), narSize: 10, references: [], signatures: ['k:s'] }

async function connect(t: TestContext, minor: number, options: WorkerClientOptions = {}) {
  const daemon = new FakeDaemon()
  t.after(() => daemon.end())
  const [client] = await Promise.all([WorkerClient.open(daemon.transport, options), daemon.greet(minor)])
  return { daemon, client }
}

async function* pieces(...chunks: string[]): AsyncGenerator<Uint8Array> {
  for (const chunk of chunks) yield Buffer.from(chunk)
}

/** The fields before the NAR in an import. */
async function readImport({ reader }: FakeDaemon): Promise<void> {
  assert.equal(await reader.u64(), 39)
  assert.equal(await reader.string(), PATH)
  assert.equal(await reader.string(), '')
  assert.equal(await reader.string(), '0'.repeat(64))
  assert.deepEqual(await reader.strings(), [])
  for (const expected of [0, 10, 0]) assert.equal(await reader.u64(), expected)
  assert.deepEqual(await reader.strings(), ['k:s'])
  assert.equal(await reader.string(), '')
  for (const expected of [0, 0]) assert.equal(await reader.u64(), expected)
}

test('shakes hands with daemons of Nix 2.3 to the newest', async t => {
  for (const [minor, announced, nixVersion, trusted] of [
    [21, 21, undefined, undefined],
    [34, 34, '2.34-fake', undefined],
    [35, 35, '2.35-fake', false],
    [38, 38, '2.38-fake', false],
    [41, 38, '2.41-fake', false],
  ] as const) {
    const { daemon, client } = await connect(t, minor)
    assert.equal(daemon.announced, (1 << 8) | announced)
    assert.deepEqual(client.greeting, { minor: announced, nixVersion, trusted })
  }
})

test('refuses what is no Nix daemon, or one from long ago', async t => {
  for (const answer of [new WireMessage().u64(1).u64(2), new WireMessage().u64(0x6478696f).u64((1 << 8) | 20)]) {
    const daemon = new FakeDaemon()
    t.after(() => daemon.end())
    daemon.send(answer)
    await assert.rejects(WorkerClient.open(daemon.transport), { code: 'protocol' })
    assert.ok(daemon.destroyed > 0)
  }
})

test('a NAR goes in frames, the last piece after the source has ended', async t => {
  const { daemon, client } = await connect(t, 38)
  const importing = client.addToStoreNar(INFO, pieces('1234', '', '567890'))
  await readImport(daemon)
  const frames: string[] = []
  for (let length = await daemon.reader.u64(); length > 0; length = await daemon.reader.u64()) {
    frames.push((await daemon.reader.bytes(length)).toString())
  }
  daemon.done()
  await importing
  assert.deepEqual(frames, ['1234', '567890'])
  assert.ok(client.usable)
})

test('an old daemon asks for the NAR piece by piece', async t => {
  const { daemon, client } = await connect(t, 21)
  const importing = client.addToStoreNar(INFO, pieces('1234', '567890'))
  await readImport(daemon)
  let got = ''
  while (got.length < 10) {
    daemon.send(new WireMessage().u64(0x64617461).u64(3))
    got += await daemon.reader.string()
  }
  daemon.done()
  await importing
  assert.equal(got, '1234567890')
})

test('an error in the middle of a NAR ends the import, and the connection', async t => {
  const { daemon, client } = await connect(t, 37)
  let closed = false
  const chunks = [Buffer.from('12'), Buffer.from('34')].values()
  const importing = client.addToStoreNar(INFO, {
    [Symbol.asyncIterator]: () => ({
      // After two pieces it waits for ever.
      next: () => {
        const value = chunks.next().value
        return value === undefined ? new Promise(() => {}) : Promise.resolve({ value })
      },
      return: async () => {
        closed = true
        return { done: true, value: undefined }
      },
    }),
  })
  await readImport(daemon)
  daemon.refuse('\u001b[31;1merror:\u001b[0m writing to file: No space left on device')
  await assert.rejects(importing, {
    code: 'disk-full',
    message: 'The Nix store answered: writing to file: No space left on device',
  })
  assert.ok(closed)
  assert.equal(client.usable, false)
  await assert.rejects(client.isValidPath(PATH), { code: 'disk-full' })
})

test('an error of a query leaves the connection usable, in both shapes of errors', async t => {
  for (const minor of [25, 38]) {
    const { daemon, client } = await connect(t, minor)
    const asking = client.isValidPath(PATH)
    await daemon.reader.u64()
    await daemon.reader.string()
    daemon.refuse(`error: path '${PATH}' is not valid`, minor >= 26)
    await assert.rejects(asking, { code: 'path-unknown' })
    const again = client.isValidPath(PATH)
    await daemon.reader.u64()
    await daemon.reader.string()
    daemon.done(new WireMessage().u64(1))
    assert.equal(await again, true)
  }
})

test('log messages of every kind are read over', async t => {
  const lines: string[] = []
  const { daemon, client } = await connect(t, 38, { log: line => lines.push(line) })
  const asking = client.queryPathInfo(PATH)
  await daemon.reader.u64()
  await daemon.reader.string()
  daemon.send(new WireMessage().u64(0x6f6c6d67).string('\u001b[33mwarning:\u001b[0m hm\n'))
  daemon.send(
    new WireMessage().u64(0x53545254).u64(1).u64(2).u64(3).string('s').u64(2).u64(0).u64(9).u64(1).string('f').u64(0),
  )
  daemon.send(new WireMessage().u64(0x52534c54).u64(1).u64(2).u64(1).u64(1).string('f'))
  daemon.send(new WireMessage().u64(0x53544f50).u64(1))
  const info = new WireMessage().u64(1).string('').string('ab'.repeat(32)).strings([PATH]).u64(1).u64(120).u64(0)
  daemon.done(info.strings(['k:s']).string('fixed:r:sha256:x'))
  assert.deepEqual(await asking, {
    path: PATH,
    narHash: new Uint8Array(32).fill(0xab),
    narSize: 120,
    references: [PATH],
    signatures: ['k:s'],
    contentAddress: 'fixed:r:sha256:x',
  })
  assert.deepEqual(lines, ['warning: hm'])
})

test('of an error that quotes a whole file only the beginning is kept', async t => {
  const { daemon, client } = await connect(t, 38)
  const asking = client.isValidPath(PATH)
  daemon.refuse(`expected tag, got '${'x'.repeat(3_000_001)}'`)
  await assert.rejects(asking, (error: Error) => error.message.length < 2100 && /expected tag/.test(error.message))
  assert.ok(client.usable)
})

test('a daemon that talks nonsense is left', async t => {
  const nonsense: WireMessage[] = [
    new WireMessage().u64(1),
    new WireMessage().u64(0x6f6c6d67).u64(2 ** 60),
    new WireMessage()
      .u64(0x616c7473)
      .u64(1)
      .u64(2 ** 40),
    new WireMessage()
      .u64(0x53544f50)
      .u64(0)
      .u64(0x52534c54)
      .u64(0)
      .u64(0)
      .u64(2 ** 30),
    new WireMessage().u64(0x64617461).u64(10),
    new WireMessage().u64(0x616c7473).u64(5),
  ]
  for (const message of nonsense) {
    const { daemon, client } = await connect(t, 38)
    const asking = client.queryValidPaths([PATH])
    daemon.send(message)
    await assert.rejects(asking, { code: 'protocol' })
    assert.equal(client.usable, false)
  }
})

test('a daemon that goes away or falls silent is an error, not an answer', async t => {
  const gone = await connect(t, 38)
  const asking = gone.client.isValidPath(PATH)
  await gone.daemon.reader.u64()
  await gone.daemon.end()
  await assert.rejects(asking, { code: 'store-unavailable' })

  // Not by the machine's clock: a busy one may lose this much between two bytes of the handshake.
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const silent = await connect(t, 38, { stallMs: 20 })
  const refused = assert.rejects(silent.client.isValidPath(PATH), { code: 'store-unavailable', message: /20 ms/ })
  await silent.daemon.reader.u64()
  t.mock.timers.tick(20)
  await refused
  assert.ok(silent.daemon.destroyed > 0)
})

test('a source may pause for longer than the daemon may', async t => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const { daemon, client } = await connect(t, 38, { stallMs: 50 })
  const source = async function* () {
    yield Buffer.from('12345')
    t.mock.timers.tick(3_600_000)
    yield Buffer.from('67890')
  }
  const importing = client.addToStoreNar(INFO, source())
  await readImport(daemon)
  for (let length = await daemon.reader.u64(); length > 0; length = await daemon.reader.u64()) {
    await daemon.reader.bytes(length)
  }
  daemon.done()
  await importing
})

test('an import that is destroyed while its source waits ends at once', async t => {
  const { daemon, client } = await connect(t, 38)
  const importing = client.addToStoreNar(INFO, {
    [Symbol.asyncIterator]: () => ({ next: () => new Promise<IteratorResult<Uint8Array>>(() => {}) }),
  })
  await readImport(daemon)
  await Promise.all([assert.rejects(importing, { message: 'enough' }), client.destroy(new Error('enough'))])
})
