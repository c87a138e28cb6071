/** The binary cache's HTTP side, over sources that answer, fail, hang and lie. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { request } from 'node:http'
import { connect } from 'node:net'
import { type TestContext, test } from 'node:test'
import { encodeNix32 } from '../../../protocol/nix/base32.ts'
import { parseNarInfo } from '../../../test/helpers/narinfo.ts'
import { maxCacheNarStreams } from '../limits.ts'
import type { PathInfo } from '../path-info.ts'
import { BinaryCache, type BinaryCacheInit } from './binary-cache.ts'
import { narUrl } from './cache-request.ts'
import type { CacheSource } from './cache-source.ts'

const HASH_PART = 'ab3li50xq0nl4q5lxdyinb8w8y13my9s'
const NAR = Buffer.from(Array.from({ length: 1000 }, (_, at) => at % 251))
const INFO: PathInfo = {
  path: `/nix/store/${HASH_PART}-f`,
  narHash: new Uint8Array(32).fill(7),
  narSize: NAR.length,
  references: [],
  signatures: [`test-1:${'A'.repeat(86)}==`],
}
const NAR_URL = `/${narUrl(HASH_PART, encodeNix32(INFO.narHash))}`
const options = { timeout: 300_000 }

async function* nar(start: number, end = NAR.length): AsyncGenerator<Uint8Array> {
  for (let at = start; at < end; at += 100) yield NAR.subarray(at, Math.min(at + 100, end))
}

async function serve(t: TestContext, source: Partial<CacheSource>, init: Partial<BinaryCacheInit> = {}) {
  const whole: CacheSource = {
    lookUp: async hashPart => (hashPart === HASH_PART ? INFO : undefined),
    nar: (_, start) => nar(start),
    ...source,
  }
  const cache = new BinaryCache({ source: whole }, { port: 0, lookUpLimitMs: 200, ...init })
  t.after(() => cache.stop())
  await cache.start()
  return cache
}

const bytesOf = async (response: Response) => Buffer.from(await response.arrayBuffer())

test('says what it is, and what a path is', options, async t => {
  const { url } = await serve(t, {}, { priority: 12 })
  assert.equal(
    await (await fetch(`${url}/nix-cache-info`)).text(),
    'StoreDir: /nix/store\nWantMassQuery: 1\nPriority: 12\n',
  )
  const { path, narHash, narSize, signatures } = INFO
  const expected = { path, narHash, narSize, signatures, references: [], fileHash: narHash, fileSize: narSize }
  const response = await fetch(`${url}/g3/${HASH_PART}.narinfo`)
  const length = response.headers.get('content-length')
  const text = await response.text()
  assert.deepEqual(parseNarInfo(text), { ...expected, url: NAR_URL.slice(1), compression: 'none' })
  assert.equal(length, String(text.length))
  assert.equal(response.headers.get('access-control-allow-origin'), null)
  const head = await fetch(`${url}/${HASH_PART}.narinfo`, { method: 'HEAD' })
  assert.deepEqual([head.status, head.headers.get('content-length'), await head.text()], [200, length, ''])
  assert.equal((await fetch(`${url}/${HASH_PART.replace('a', 'b')}.narinfo`)).status, 404)
})

test('sends a NAR whole, in ranges or only its head', options, async t => {
  let opened = 0
  const { url } = await serve(t, {
    nar: (_, start) => {
      opened++
      return nar(start)
    },
  })
  const get = (headers: Record<string, string> = {}, method = 'GET') => fetch(url + NAR_URL, { method, headers })
  const whole = await get()
  const etag = whole.headers.get('etag') ?? ''
  assert.deepEqual([whole.status, whole.headers.get('accept-ranges')], [200, 'bytes'])
  assert.equal(whole.headers.get('content-length'), '1000')
  assert.deepEqual(await bytesOf(whole), NAR)
  for (const [range, start, end] of [
    ['250-', 250, 1000],
    ['250-449', 250, 450],
    ['-1', 999, 1000],
  ] as const) {
    const part = await get({ range: `bytes=${range}`, 'if-range': etag })
    assert.deepEqual([part.status, part.headers.get('content-range')], [206, `bytes ${start}-${end - 1}/1000`])
    assert.deepEqual(await bytesOf(part), NAR.subarray(start, end))
  }
  const changed = await get({ range: 'bytes=250-', 'if-range': '"other"' })
  assert.deepEqual([changed.status, (await bytesOf(changed)).length], [200, 1000])
  const beyond = await get({ range: 'bytes=1000-' })
  assert.deepEqual([beyond.status, beyond.headers.get('content-range')], [416, 'bytes */1000'])
  const openedBefore = opened
  const head = await get({}, 'HEAD')
  assert.deepEqual([head.status, head.headers.get('content-length'), opened], [200, '1000', openedBefore])
  const other = narUrl(HASH_PART, encodeNix32(new Uint8Array(32)))
  assert.equal((await fetch(`${url}/${other}`)).status, 404)
})

test('a lookup that fails is asked again, one that hangs is 404 in the end', options, async t => {
  let asked = 0
  const { url } = await serve(
    t,
    {
      lookUp: async () => {
        if (++asked === 1) throw new Error('the Nix daemon is being restarted')
        return INFO
      },
    },
    { lookUpLimitMs: 10_000 },
  )
  assert.equal((await fetch(`${url}/${HASH_PART}.narinfo`)).status, 200)
  assert.equal(asked, 2)
  const hanging = await serve(t, { lookUp: () => new Promise(() => {}) })
  assert.equal((await fetch(`${hanging.url}/${HASH_PART}.narinfo`)).status, 404)
  const unfit = await serve(t, { lookUp: async () => ({ ...INFO, signatures: ['a:b\nCA: x'] }) })
  assert.equal((await fetch(`${unfit.url}/${HASH_PART}.narinfo`)).status, 404)
})

test('a NAR that fails before its first byte is 404, after it a cut connection', options, async t => {
  const sources: Record<string, () => AsyncGenerator<Uint8Array>> = {
    async *throws() {
      yield* nar(0, 300)
      throw new Error('a secret reason')
    },
    endsEarly: () => nar(0, 300),
    async *hangs() {
      yield* nar(0, 300)
      await new Promise(() => {})
    },
  }
  for (const [name, source] of Object.entries(sources)) {
    const { url } = await serve(t, { nar: source }, { pieceLimitMs: 200 })
    // Whether the head still went out before the cut is a matter of luck.
    await assert.rejects(fetch(url + NAR_URL).then(bytesOf), name)
    assert.equal((await fetch(`${url}/nix-cache-info`)).status, 200)
  }
  const failing = await serve(t, {
    nar: () => {
      throw new Error('nobody has it')
    },
  })
  const answer = await fetch(failing.url + NAR_URL)
  assert.deepEqual([answer.status, await answer.text()], [404, 'not available\n'])
  const silent = await serve(
    t,
    { nar: () => ({ [Symbol.asyncIterator]: () => ({ next: () => new Promise(() => {}) }) }) },
    { pieceLimitMs: 200 },
  )
  assert.equal((await fetch(silent.url + NAR_URL)).status, 404)
})

test('a NAR with more bytes than announced ends where it should', options, async t => {
  async function* tooLong() {
    yield NAR
    yield NAR
  }
  const { url } = await serve(t, { nar: tooLong })
  assert.deepEqual(await bytesOf(await fetch(url + NAR_URL)), NAR)
})

test('lets go of the source when the client goes or the cache stops', options, async t => {
  const ended = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  let streams = 0
  const cache = await serve(t, {
    async *nar(_, __, signal) {
      const end = ended[streams++]
      try {
        yield NAR.subarray(0, 100)
        await once(signal, 'abort')
      } finally {
        end?.resolve()
      }
    },
  })
  const going = new AbortController()
  const response = await fetch(cache.url + NAR_URL, { signal: going.signal })
  going.abort()
  await assert.rejects(response.arrayBuffer())
  await ended[0]?.promise
  const cut = await fetch(cache.url + NAR_URL)
  await cache.stop()
  await assert.rejects(cut.arrayBuffer())
  await ended[1]?.promise
})

test('sends a bounded number of NARs at a time; others wait their turn', options, async t => {
  const gate = Promise.withResolvers<void>()
  let running = 0
  let most = 0
  const { url } = await serve(t, {
    async *nar() {
      most = Math.max(most, ++running)
      if (running === maxCacheNarStreams) gate.resolve()
      await gate.promise
      try {
        yield* nar(0)
      } finally {
        running--
      }
    },
  })
  const all = Array.from({ length: 3 * maxCacheNarStreams }, async () => bytesOf(await fetch(url + NAR_URL)))
  for (const bytes of await Promise.all(all)) assert.deepEqual(bytes, NAR)
  assert.equal(most, maxCacheNarStreams)
})

test('refuses what is no request of Nix', options, async t => {
  const { url } = await serve(t, {})
  const statusOf = async (init: { method?: string; path?: string; headers?: Record<string, string> }) => {
    const sent = request(url, { agent: false, ...init }).end()
    const [response] = await once(sent, 'response')
    response.resume()
    return response.statusCode
  }
  const path = '/nix-cache-info'
  assert.equal(await statusOf({ path }), 200)
  assert.equal(await statusOf({ path, method: 'PUT' }), 405)
  assert.equal(await statusOf({ path, headers: { host: 'cache.example.org' } }), 403)
  assert.equal(await statusOf({ path, headers: { origin: 'https://example.org' } }), 403)
  assert.equal(await statusOf({ path: '/../../etc/passwd' }), 404)
  assert.equal(await statusOf({ path: `/${'x'.repeat(1000)}` }), 414)
  assert.equal(await statusOf({ path, headers: { 'x-long': 'x'.repeat(10_000) } }), 431)
})

test('hangs up on noise, and needs its port for itself', options, async t => {
  const cache = await serve(t, {})
  const socket = connect(Number(new URL(cache.url).port), '127.0.0.1')
  socket.end('\x16\x03\x01 this is no HTTP\r\n\r\n')
  socket.resume()
  await once(socket, 'close')
  const second = new BinaryCache(
    { source: { lookUp: async () => undefined, nar } as never },
    { port: Number(new URL(cache.url).port) },
  )
  await assert.rejects(second.start(), { code: 'port-unavailable' })
  await second.stop()
  assert.equal((await fetch(`${cache.url}/nix-cache-info`)).status, 200)
})
