/** The daemon's socket for bundles: what it refuses, and that a take ends with its command. */

import assert from 'node:assert/strict'
import { mkdtemp, rm, stat } from 'node:fs/promises'
import { connect, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { describe, it, type TestContext } from 'node:test'
import { BundleError } from '../../protocol/bundle/bundle-error.ts'
import { factsSample } from '../../test/helpers/facts-sample.ts'
import { silentLogger } from '../../test/helpers/log.ts'
import { until } from '../../test/helpers/until.ts'
import { listenAt } from '../files/unix-socket.ts'
import { askForFacts, askForOutbox, askToTake } from './ask-daemon.ts'
import { BundleDoor, type DoorWork } from './bundle-door.ts'
import { bundleSocket } from './door-messages.ts'
import type { FeedInit } from './feed-bundle.ts'

const news = { trust: 'newer', release: 7, readBytes: 10, packBytes: 20, volume: 1, volumes: 1 } as const
const end = { ...news, outcome: 'done' } as const

describe('the socket for bundles', () => {
  it('tells news and the end, and is for its owner only', async t => {
    const { state } = await door(t, async (path, { onNews, quietMs }) => {
      assert.deepEqual([path, quietMs], ['/a', 2000])
      onNews(news)
      return end
    })
    assert.equal((await stat(bundleSocket(state))).mode & 0o777, 0o600)
    const said: object[] = []
    const init = { quietSeconds: 2, onNews: (each: object) => said.push(each), signal: t.signal }
    assert.deepEqual(await askToTake(state, '/a', init), end)
    assert.deepEqual(said, [news])
  })

  it('ends a take when its command has ended', async t => {
    const ended = Promise.withResolvers<void>()
    const { state } = await door(t, (_path, { signal, onNews }) => {
      onNews(news)
      return new Promise((_, reject) => {
        signal.addEventListener('abort', () => {
          ended.resolve()
          reject(signal.reason)
        })
      })
    })
    const leave = new AbortController()
    const asking = askToTake(state, '/a', {
      quietSeconds: 0,
      onNews: () => leave.abort(new Error('left')),
      signal: leave.signal,
    })
    await assert.rejects(asking, /left/)
    await ended.promise
  })

  it('passes on why a bundle was refused', async t => {
    const { state } = await door(t, async () => {
      throw BundleError.truncated('it ends too early')
    })
    const init = { quietSeconds: 0, onNews: () => {}, signal: t.signal }
    await assert.rejects(askToTake(state, '/a', init), { code: 'truncated', message: 'it ends too early' })
  })

  it('refuses what is no request', async t => {
    const { state } = await door(t, async () => end)
    const wrong = ['{}', 'no JSON', '{"v":2,"path":"/a","quietSeconds":1}', '{"v":1,"path":"","quietSeconds":1}']
    for (const line of [...wrong, 'x'.repeat(10_000)]) {
      const socket = connect(bundleSocket(state))
      socket.write(`${line}\n`)
      assert.match(await text(socket), /"code":"not-understood"/, line.slice(0, 40))
    }
  })

  it('writes an outbox, and tells whose', async t => {
    const { state } = await door(t, async () => end)
    assert.deepEqual(await askForOutbox(state, '/out'), { device: 'kiosk', bytes: 4 })
  })

  it('tells facts of a device, or of its own', async t => {
    const { state } = await door(t, async () => end)
    assert.deepEqual(await askForFacts(state, undefined), factsSample)
    assert.deepEqual(await askForFacts(state, 'kiosk-9'), { ...factsSample, device: 'kiosk-9' })
  })

  it('is of another version where its answers are none', async t => {
    const state = await folder(t)
    const daemon = createServer(socket => socket.end('no JSON\n'))
    t.after(() => daemon.close())
    await listenAt(daemon, bundleSocket(state))
    await assert.rejects(askForOutbox(state, '/out'), { code: 'not-understood' })
  })

  it('is not there without a daemon', async t => {
    const state = await folder(t)
    await assert.rejects(askForOutbox(state, '/out'), { code: 'no-daemon' })
  })

  it('closes all connections when the daemon stops', async t => {
    const { state, open } = await door(t, (_path, { signal }) => {
      return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
    })
    const socket: Socket = connect(bundleSocket(state))
    let closed = false
    socket.once('close', () => {
      closed = true
    })
    socket.on('error', () => {})
    socket.write('{"v":1,"path":"/a","quietSeconds":1}\n')
    await new Promise(resolve => socket.once('connect', resolve))
    await open.stop()
    await until(() => closed, 'the connection to end')
    await assert.rejects(stat(bundleSocket(state)), { code: 'ENOENT' })
  })
})

async function folder(t: TestContext): Promise<string> {
  const state = await mkdtemp(join(tmpdir(), 'thymesh-door-'))
  t.after(() => rm(state, { recursive: true, force: true }))
  return state
}

async function door(t: TestContext, feed: (path: string, init: FeedInit) => ReturnType<DoorWork['feed']>) {
  const state = await folder(t)
  const open = await BundleDoor.start(
    state,
    {
      feed,
      outbox: async () => ({ device: 'kiosk', bytes: 4 }),
      facts: async (device = 'kiosk-3') => ({ ...factsSample, device }),
      peers: async () => ({ self: 'kiosk', connections: [] }),
      network: async () => ({ self: 'kiosk', ok: true, nat: 'easy', checks: [] }),
    },
    silentLogger,
  )
  assert.ok(open)
  t.after(() => open.stop())
  return { state, open }
}
