/** The stream of events: nothing is lost over reconnects, gaps are said, and slow listeners are cut off. */

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { request } from 'node:http'
import { connect as connectTo } from 'node:net'
import { describe, it, type TestContext } from 'node:test'
import { ask, codeOf, served } from '../helpers/served-api.ts'
import { report } from '../helpers/session.ts'
import { until } from '../helpers/until.ts'

describe('the stream of events', () => {
  interface Heard {
    readonly id: string
    readonly kind: string | undefined
    readonly data: Record<string, unknown>
  }

  /** Listens; gives what was heard so far, and what ends it. */
  async function listen(t: TestContext, file: string, after?: string) {
    const heard: Heard[] = []
    const headers = after === undefined ? {} : { 'Last-Event-ID': after }
    const sent = request({ socketPath: file, path: '/v1/events', headers, agent: false })
    sent.on('error', () => {})
    sent.end()
    const [response] = await once(sent, 'response')
    assert.equal(response.headers['content-type'], 'text/event-stream')
    let rest = ''
    let last = ''
    response.setEncoding('utf8').on('error', () => {})
    response.on('data', (part: string) => {
      const frames = (rest + part).split('\n\n')
      rest = frames.pop() ?? ''
      for (const frame of frames) {
        const field = (name: string) => new RegExp(`^${name}: (.*)$`, 'm').exec(frame)?.[1]
        last = field('id') ?? last
        const data = field('data')
        if (data !== undefined) heard.push({ id: last, kind: field('event'), data: JSON.parse(data) })
      }
    })
    const stop = () => sent.destroy()
    t.after(stop)
    return { heard, stop, last: () => last, response }
  }

  it('loses nothing over thirty reconnects, and over a hundred where scripts/bench measures it', async t => {
    const { file, controller, devices } = await served(t)
    const device = devices[0] ?? assert.fail()
    const all: Heard[] = []
    let last: string | undefined
    let counter = 1
    for (let each = 0; each < 30; each++) {
      const listener = await listen(t, file, last)
      await report(controller, device, ++counter)
      if (each % 2 === 0) await until(() => listener.heard.length > 0, 'an event')
      else await until(() => listener.last() !== '' || last !== undefined, 'the beginning')
      listener.stop()
      all.push(...listener.heard)
      last = listener.last() || last
    }
    const listener = await listen(t, file, last)
    await report(controller, device, ++counter)
    await until(() => [...all, ...listener.heard].length >= counter - 1, 'all events')
    all.push(...listener.heard)
    assert.ok(all.every(({ kind, data }) => kind === 'device' && data.device === device.word))
    assert.deepEqual(
      all.map(({ id }) => Number(id.split('-')[1])),
      all.map((_, place) => Number(all[0]?.id.split('-')[1]) + place),
    )
    assert.equal(all.length, counter - 1)
  })

  it('follows the state: an answer names the last event that is in it', async t => {
    const { file, controller, devices } = await served(t)
    const device = devices[0] ?? assert.fail()
    const { headers } = await ask(file, '/v1/status')
    await report(controller, device, 2)
    const { heard } = await listen(t, file, String(headers['thymesh-last-event']))
    await until(() => heard.length > 0, 'the event')
    assert.deepEqual(
      heard.map(({ kind, data }) => [kind, data.device]),
      [['device', device.word]],
    )
  })

  it('says that events are missing', async t => {
    const { file } = await served(t)
    const { heard } = await listen(t, file, '00000000-7')
    await until(() => heard.length > 0, 'the gap')
    assert.equal(heard[0]?.kind, 'reset')
  })

  it('cuts off a listener that does not read, and is full at sixteen', async t => {
    const { file, load } = await served(t)
    const { events } = await load()
    const slow = connectTo(file)
    t.after(() => slow.destroy())
    slow.write('GET /v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n')
    slow.pause()
    await until(() => events.listeners === 1, 'the listener')
    const long = { id: 'x'.repeat(256 * 1024), complete: false, closed: false }
    for (let each = 0; each < 64 && events.listeners > 0; each++) {
      events.append('proposal', long)
      await new Promise(setImmediate)
    }
    assert.equal(events.listeners, 0)
    for (let each = 0; each < 16; each++) await listen(t, file)
    assert.deepEqual(await codeOf(file, '/v1/events'), [429, 'too-many'])
  })
})
