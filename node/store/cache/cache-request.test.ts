/** Which requests the binary cache answers, which it refuses, and how it reads ranges. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { isLoopback, narUrl, parseRange, parseRequest } from './cache-request.ts'

const HASH_PART = 'ab3li50xq0nl4q5lxdyinb8w8y13my9s'
const NAR_HASH = '0mdqa9w1p6cmli6976v4wi0sw9r4p5prkj7lzfd1877wk11c9c73'

const ask = (url: string, method = 'GET', headers: NodeJS.Dict<string[]> = {}) =>
  parseRequest({ method, url, headersDistinct: { host: ['127.0.0.1:4461'], ...headers } })
const status = (...request: Parameters<typeof ask>) => {
  const parsed = ask(...request)
  return parsed.kind === 'refused' ? parsed.status : 200
}

test('knows its three kinds of files, under any release', () => {
  for (const prefix of ['', '/g', '/g2', '/g1.4-rc_2', `/g${'9'.repeat(64)}`]) {
    assert.deepEqual(ask(`${prefix}/nix-cache-info`), { kind: 'cache-info' })
    assert.deepEqual(ask(`${prefix}/${HASH_PART}.narinfo`, 'HEAD'), { kind: 'narinfo', hashPart: HASH_PART })
    const nar = { kind: 'nar', hashPart: HASH_PART, narHash: NAR_HASH }
    assert.deepEqual(ask(`${prefix}/${narUrl(HASH_PART, NAR_HASH)}`), nar)
  }
})

test('knows no other files', () => {
  const urls = [
    ...[
      '',
      '/',
      '*',
      '/g2',
      '/g2/',
      '/g2/g3/nix-cache-info',
      '/x2/nix-cache-info',
      `/g${'9'.repeat(65)}/nix-cache-info`,
    ],
    ...['//nix-cache-info', '/nix-cache-info/', '/nix-cache-info?x', '/nix-cache-info\n', 'http://x/nix-cache-info'],
    ...['/../nix-cache-info', '/g2/../nix-cache-info', '/g%2e%2e/nix-cache-info', '/nar/../../etc/passwd'],
    ...[
      `/${HASH_PART}.ls`,
      `/${HASH_PART}`,
      `/${HASH_PART.slice(1)}.narinfo`,
      `/${HASH_PART.replace('a', 'e')}.narinfo`,
    ],
    ...[`/nar/${NAR_HASH}.nar`, `/nar/${HASH_PART}-${NAR_HASH}.nar.xz`, `/log/${HASH_PART}-x.drv`],
  ]
  for (const url of urls) assert.equal(status(url), 404, url)
  assert.equal(status(`/${'x'.repeat(1000)}`), 414)
})

test('answers any text with a status', () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), (method, url) =>
      assert.ok([200, 404, 405, 414].includes(status(url, method))),
    ),
  )
})

test('takes GET and HEAD without a body', () => {
  for (const method of ['PUT', 'POST', 'DELETE', 'OPTIONS', 'TRACE', 'get', '']) {
    assert.equal(status('/nix-cache-info', method), 405, method)
  }
  assert.equal(status('/nix-cache-info', 'GET', { 'content-length': ['0'] }), 200)
  assert.equal(status('/nix-cache-info', 'GET', { 'content-length': ['1'] }), 400)
  assert.equal(status('/nix-cache-info', 'GET', { 'transfer-encoding': ['chunked'] }), 400)
})

test('refuses other names of this machine: DNS rebinding', () => {
  for (const host of ['127.0.0.1', '127.0.0.1:1', 'localhost:4461', 'LOCALHOST']) {
    assert.equal(status('/nix-cache-info', 'GET', { host: [host] }), 200, host)
  }
  const wrong = [
    'example.org',
    'localhost.example.org',
    '127.0.0.1.nip.io:4461',
    'x@127.0.0.1',
    '10.0.0.1',
    '',
    '127.0.0.1:x',
  ]
  for (const host of wrong) assert.equal(status('/nix-cache-info', 'GET', { host: [host] }), 403, host)
  assert.equal(status('/nix-cache-info', 'GET', { host: undefined }), 403)
  assert.equal(status('/nix-cache-info', 'GET', { host: ['localhost', 'localhost'] }), 403)
})

test('refuses what web pages ask for', () => {
  assert.equal(status('/nix-cache-info', 'GET', { origin: ['https://example.org'] }), 403)
  assert.equal(status('/nix-cache-info', 'GET', { referer: ['https://example.org/'] }), 403)
  for (const site of ['cross-site', 'same-site', 'same-origin', '']) {
    assert.equal(status('/nix-cache-info', 'GET', { 'sec-fetch-site': [site] }), 403, site)
  }
  assert.equal(status('/nix-cache-info', 'GET', { 'sec-fetch-site': ['none'] }), 200)
})

test('reads one range', () => {
  const cases: [string | undefined, ReturnType<typeof parseRange>][] = [
    ['bytes=0-', { start: 0, end: 100 }],
    ['bytes=99-', { start: 99, end: 100 }],
    ['bytes=10-19', { start: 10, end: 20 }],
    ['bytes=10-1000', { start: 10, end: 100 }],
    ['bytes=-10', { start: 90, end: 100 }],
    ['bytes=-1000', { start: 0, end: 100 }],
    ['bytes=100-', 'unsatisfiable'],
    ['bytes=999999999999999-', 'unsatisfiable'],
    ['bytes=-0', 'unsatisfiable'],
    // Understood by nobody here: the whole body is right.
    [undefined, undefined],
    ...[
      'bytes=-',
      'bytes=20-10',
      'bytes=0-1,5-6',
      'bytes=a-',
      'lines=0-',
      'bytes=0x1-',
      `bytes=${'9'.repeat(16)}-`,
    ].map((text): [string, undefined] => [text, undefined]),
  ]
  for (const [header, expected] of cases) assert.deepEqual(parseRange(header, 100), expected, header)
})

test('a range lies within the body', () => {
  fc.assert(
    fc.property(fc.nat(), fc.option(fc.nat()), fc.integer({ min: 1 }), (first, last, size) => {
      const range = parseRange(`bytes=${first}-${last ?? ''}`, size)
      if (range === undefined || range === 'unsatisfiable') return
      assert.ok(range.start === first && range.start < range.end && range.end <= size)
    }),
  )
})

test('tells this machine from others', () => {
  for (const address of ['127.0.0.1', '127.8.8.8', '::1', '::ffff:127.0.0.1']) assert.ok(isLoopback(address), address)
  for (const address of [undefined, '', '10.0.0.1', '::ffff:10.0.0.1', '::', 'fe80::1', '127.evil', '1127.0.0.1']) {
    assert.ok(!isLoopback(address), address)
  }
})
