/** Tests of connections whose other process is asked whether it responds. */

import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import type { Connection } from '@libp2p/interface'
import { multiaddrConnectionPair } from '@libp2p/utils'
import { yamux } from '@libp2p/yamux'
import { until } from '../../../test/helpers/until.ts'
import { liveness } from './liveness.ts'

const limitMs = 20_000

type Told = 'answers' | 'fails' | 'busy' | 'silent'

function connection(told: Told) {
  const maConn = { bytesRead: 7, bytesWritten: 7 }
  const made = { status: 'open', maConn, asked: 0, rtt: undefined as number | undefined, ended: false }
  const ping = async () => {
    made.asked++
    if (told === 'answers') return 3
    if (told === 'fails') throw new Error('the muxer is closed')
    if (told === 'busy') return await afterBytes(150)
    return await new Promise<number>(() => {})
  }
  const afterBytes = (count: number) =>
    new Promise<number>(resolve => {
      const hears = setInterval(() => {
        if (++maConn.bytesRead < count) return
        clearInterval(hears)
        resolve(200)
      }, 1)
    })
  return Object.assign(made, {
    muxer: { ping },
    abort: () => Object.assign(made, { status: 'aborted', ended: true }),
  })
}

function watching(t: TestContext, open: unknown[]): void {
  const forComponent = () => Object.assign(() => {}, { error: () => {} })
  const made = liveness({ intervalMs: 10, lookMs: 2, answerMs: 40 })({
    connectionManager: { getConnections: () => open as Connection[] },
    logger: { forComponent } as never,
  })
  made.start()
  t.after(() => made.stop())
}

describe('a connection', () => {
  it('stays, is asked again and again, and has the last round trip', async t => {
    const made = connection('answers')
    watching(t, [made])
    await until(() => made.asked > 3, 'it to be asked', limitMs)
    assert.equal(made.rtt, 3)
    assert.ok(!made.ended)
  })

  it('ends if nothing comes from the other side, and has been asked once', async t => {
    const made = connection('silent')
    watching(t, [made])
    await until(() => made.ended, 'it to end', limitMs)
    assert.equal(made.asked, 1)
  })

  it('ends if it cannot be asked', async t => {
    const made = connection('fails')
    watching(t, [made])
    await until(() => made.ended, 'it to end', limitMs)
  })

  it('stays while the answer waits behind other bytes', async t => {
    const made = connection('busy')
    watching(t, [made])
    await until(() => made.rtt === 200, 'the answer', limitMs)
    assert.ok(!made.ended)
  })

  it('is asked by what yamux has, in two small messages', async t => {
    const factory = yamux({ enableKeepAlive: false })()
    const [left, right] = multiaddrConnectionPair()
    const muxer = factory.createStreamMuxer(left)
    factory.createStreamMuxer(right)
    let bytes = 0
    for (const side of [left, right]) {
      const send = side.send.bind(side)
      side.send = data => {
        bytes += data.byteLength
        return send(data)
      }
    }
    const made = Object.assign(connection('silent'), { muxer })
    watching(t, [made])
    await until(() => made.rtt !== undefined, 'the answer', limitMs)
    assert.ok(!made.ended)
    assert.equal(bytes % 24, 0)
    assert.ok(bytes > 0)
  })
})
