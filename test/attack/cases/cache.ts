/** A nasty client of the loopback cache: pages of the web, half requests, smuggled ones, readers that never read. */

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { BinaryCache } from '../../../node/store/cache/binary-cache.ts'
import type { CacheSource } from '../../../node/store/cache/cache-source.ts'
import { maxCacheNarStreams } from '../../../node/store/limits.ts'
import { sha256 } from '../../../protocol/encoding/hash.ts'
import { encodeNix32 } from '../../../protocol/nix/base32.ts'
import { parseStorePath } from '../../../protocol/nix/store-path.ts'
import { testStorePath } from '../../helpers/fleet.ts'
import { until } from '../../helpers/until.ts'
import type { Arena } from '../arena.ts'
import type { Attack } from '../attack.ts'
import { heapBytes } from '../memory.ts'

const path = testStorePath('kiosk')
const { hashPart } = parseStorePath(path)
const narHash = sha256(Buffer.from('kiosk'))
/** Larger than what sockets and the kernel hold of it. */
const narSize = 1 << 30

/** A cache of one path, and how often and how much of its NAR was read. */
class Scene {
  readonly cache: BinaryCache
  readonly port: number
  readonly sockets: Socket[] = []
  read = 0
  streams = 0

  private constructor(cache: BinaryCache) {
    this.cache = cache
    this.port = Number(new URL(cache.url).port)
  }

  static async of(arena: Arena): Promise<Scene> {
    const info = { path, narHash, narSize, references: [], signatures: ['orchard-1:AAAA'] }
    const counted = (bytes: number) => {
      scene.read += bytes
    }
    const source: CacheSource = {
      lookUp: async wanted => (wanted === hashPart ? info : undefined),
      async *nar(_, start) {
        scene.streams++
        const piece = new Uint8Array(1 << 16)
        for (let at = start; at < narSize; at += piece.length) {
          counted(piece.length)
          yield piece.subarray(0, Math.min(piece.length, narSize - at))
        }
      },
    }
    const cache = new BinaryCache({ source }, { port: 0 })
    await cache.start()
    const scene = new Scene(cache)
    arena.ending.after(async () => {
      for (const socket of scene.sockets) socket.destroy()
      await cache.stop()
    })
    return scene
  }

  /** Sends bytes on a connection of its own. */
  async send(text: string): Promise<Socket> {
    const socket = connect(this.port, '127.0.0.1')
    this.sockets.push(socket)
    socket.on('error', () => {})
    await once(socket, 'connect')
    socket.write(text)
    return socket
  }

  /** The answer until the connection ends, or as many bytes as are asked for. */
  async answer(text: string, bytes = Number.POSITIVE_INFINITY): Promise<string> {
    const socket = await this.send(text)
    let received = ''
    socket.setEncoding('latin1').on('data', data => {
      received += data
    })
    await until(() => received.length >= bytes || socket.closed || socket.readableEnded, 'an answer')
    return received
  }

  async status(request: string, headers: Record<string, string> = {}): Promise<number> {
    const lines = Object.entries({ Host: '127.0.0.1', Connection: 'close', ...headers }).map(
      ([key, value]) => `${key}: ${value}`,
    )
    const answer = await this.answer(`${request} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`)
    return Number(answer.split(' ')[1])
  }
}

const narUrl = `/nar/${hashPart}-${encodeNix32(narHash)}.nar`

export const cacheAttacks: Attack[] = [
  {
    id: 'cache-web-page',
    power: 'network',
    tried: 'lets a web page in a browser on the machine ask the cache, also by a name that leads there (DNS rebinding)',
    expected: 'refused with 403, nothing is read',
    async run(arena) {
      const scene = await Scene.of(arena)
      const narinfo = `GET /${hashPart}.narinfo`
      assert.equal(await scene.status(narinfo), 200)
      assert.equal(await scene.status(narinfo, { Host: 'evil.example' }), 403)
      assert.equal(await scene.status(narinfo, { Origin: 'https://evil.example' }), 403)
      assert.equal(await scene.status(narinfo, { 'Sec-Fetch-Site': 'cross-site' }), 403)
      assert.equal(await scene.status(`GET ${narUrl}`, { Referer: 'https://evil.example/' }), 403)
      assert.equal(scene.read, 0)
    },
  },
  {
    id: 'cache-paths',
    power: 'local user',
    tried: 'asks for files outside of the store: dots, encoded dots, absolute URLs, other methods, long URLs',
    expected: 'refused, nothing is read',
    async run(arena) {
      const scene = await Scene.of(arena)
      for (const url of [
        '/../etc/passwd',
        '/%2e%2e/etc/passwd',
        '/nar/../../x',
        `/${hashPart}.narinfo/..`,
        'http://x/y',
        '//',
        '/x y',
      ]) {
        const status = await scene.status(`GET ${url}`)
        assert.ok(status >= 400 && status < 500, `${url} was answered ${status}`)
      }
      assert.equal(await scene.status(`GET /${'a'.repeat(4000)}`), 414)
      for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS']) {
        assert.equal(await scene.status(`${method} ${narUrl}`), 405)
      }
      assert.equal(scene.read, 0)
    },
  },
  {
    id: 'cache-smuggling',
    power: 'local user',
    tried: 'hides a second request in the body of a first one, with two lengths or a chunked body',
    expected: 'refused and cut: no second answer',
    async run(arena) {
      const scene = await Scene.of(arena)
      const inner = `GET /${hashPart}.narinfo HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n`
      const heads = [
        `GET /nix-cache-info HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
        `GET /nix-cache-info HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: ${inner.length}\r\n\r\n`,
        `GET /nix-cache-info HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 0\r\nContent-Length: ${inner.length}\r\n\r\n`,
        `GET /nix-cache-info HTTP/1.1\r\nHost: 127.0.0.1\r\nHost: evil.example\r\n\r\n`,
      ]
      for (const head of heads) {
        const answer = await scene.answer(head + inner)
        assert.match(answer, /^HTTP\/1\.1 40[03]/)
        assert.doesNotMatch(answer, /StorePath/)
      }
    },
  },
  {
    id: 'cache-half-requests',
    power: 'local user',
    tried: 'opens 100 connections and never ends its requests',
    expected: 'others are answered; the half requests end by themselves',
    async run(arena) {
      const scene = await Scene.of(arena)
      const halves = await Promise.all(
        Array.from({ length: 100 }, () => scene.send('GET /nix-cache-info HTTP/1.1\r\nX: ')),
      )
      for (const half of halves) half.resume()
      assert.equal(await scene.status('GET /nix-cache-info'), 200)
      await until(() => halves.every(half => half.closed), 'the half requests to end')
    },
  },
  {
    id: 'cache-never-reads',
    power: 'local user',
    tried: `asks for ${2 * maxCacheNarStreams} NARs of 1 GiB and reads none`,
    expected: 'a few MiB of each are read ahead at most; small requests are answered at once',
    alone: true,
    async run(arena) {
      const scene = await Scene.of(arena)
      const before = heapBytes()
      const ask = () => scene.send(`GET ${narUrl} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n`)
      const honest = await ask()
      honest.pause()
      await until(() => scene.streams === 1, 'the NAR of an honest client')
      for (let each = 0; each < 2 * maxCacheNarStreams; each++) (await ask()).pause()
      await until(() => scene.streams === maxCacheNarStreams, 'the NARs that nobody reads')
      // While the honest client gets this much, the cache has time to read ahead for all others.
      let received = 0
      honest.on('data', bytes => {
        received += bytes.length
      })
      honest.resume()
      await until(() => received > 128 << 20, 'the honest client to be served')
      honest.pause()
      const ahead = scene.read - received
      assert.ok(ahead < maxCacheNarStreams * (16 << 20), `${ahead} bytes were read ahead`)
      assert.ok(heapBytes() - before < 64 << 20)
      assert.equal(await scene.status(`GET /${hashPart}.narinfo`), 200)
    },
  },
  {
    id: 'cache-nars-held',
    power: 'local user',
    tried: `asks for ${maxCacheNarStreams} NARs on as many connections and reads none`,
    expected: 'another connection gets the NAR that it asks for',
    async run(arena) {
      const scene = await Scene.of(arena)
      const head = `GET ${narUrl} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n`
      for (let each = 0; each < maxCacheNarStreams; each++) (await scene.send(head)).pause()
      await until(() => scene.streams === maxCacheNarStreams, 'all of them to be answered')
      const other = await scene.send(head)
      let received = 0
      other.on('data', data => {
        received += data.length
      })
      await until(() => received > 1 << 20, 'the NAR')
    },
  },
  {
    id: 'cache-huge-head',
    power: 'local user',
    tried: 'sends a request head of 1 MiB, and ranges beyond the end',
    expected: 'refused; ranges beyond the end are not satisfiable',
    async run(arena) {
      const scene = await Scene.of(arena)
      assert.match(
        await scene.answer(`GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX: ${'x'.repeat(1 << 20)}\r\n\r\n`),
        /^HTTP\/1\.1 4|^$/,
      )
      assert.equal(await scene.status(`GET ${narUrl}`, { Range: `bytes=${narSize}-` }), 416)
      assert.equal(scene.read, 0)
    },
  },
]
