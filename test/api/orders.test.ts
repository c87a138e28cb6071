/** Orders over the API: bodies that are refused, tasks and their output, cancelling and trying again. */

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { request } from 'node:http'
import { connect as connectTo } from 'node:net'
import { text } from 'node:stream/consumers'
import { describe, it } from 'node:test'
import { openRunning } from '../../controller/api/client.ts'
import { eventFrames } from '../../controller/api/event-frames.ts'
import { maxBodyBytes } from '../../controller/api/limits.ts'
import { orders } from '../../controller/api/orders.ts'
import { taskSchema, tasksSchema } from '../../controller/api/schemas/task.ts'
import { ApiServer } from '../../controller/api/server.ts'
import { ask, codeOf, served } from '../helpers/served-api.ts'

const json = { 'Content-Type': 'application/json' }
const post = (body: unknown, headers: Record<string, string> = json) => ({
  method: 'POST',
  headers,
  body: typeof body === 'string' ? body : JSON.stringify(body),
})

describe('an order', () => {
  it('is a task, whose record and result are as their schemas say', async t => {
    const { file, load } = await served(t)
    const { status, json: task, headers } = await ask(file, '/v1/renew', post({ members: [], wait: 0 }))
    assert.deepEqual([status, headers.location], [202, `/v1/tasks/${task.id}`])
    assert.deepEqual(taskSchema.parse(task), task)
    await (await load()).tasks.settled()
    const { json: ended } = await ask(file, `/v1/tasks/${task.id}`)
    assert.deepEqual([ended.state, ended.options], ['done', { members: [], wait: 0 }])
    assert.deepEqual(orders.renew.result.parse(ended.result), ended.result)
    const { json: list } = await ask(file, '/v1/tasks?limit=1')
    assert.deepEqual(tasksSchema.parse(list), list)
  })

  it('says in its task why it failed, and never what opens keys', async t => {
    const { file, load } = await served(t)
    const body = { members: ['nobody'], wait: 0, passphrase: 'correct horse' }
    const { json: task } = await ask(file, '/v1/revoke', post(body))
    await (await load()).tasks.settled()
    const { json: ended } = await ask(file, `/v1/tasks/${task.id}`)
    assert.deepEqual([ended.state, ended.error?.code], ['failed', 'unknown-member'])
    assert.ok(!JSON.stringify(ended).includes('horse'))
    const again = await ask(file, `/v1/tasks/${task.id}/retry`, post({}))
    assert.deepEqual([again.status, again.json.retries], [202, task.id])
  })

  it('of a viewer is refused with the reason, where it would sign or write', async t => {
    const { file, session } = await served(t, 0)
    const viewer = { ...session.peer.certificate, token: 'aa'.repeat(16) }
    Object.defineProperty(session.peer, 'certificate', { value: viewer })
    for (const [path, body] of [
      ['/v1/rollback', {}],
      ['/v1/token', { names: 'x' }],
    ] as const) {
      const { status, json } = await ask(file, path, post(body))
      assert.deepEqual([status, json.error?.code], [403, 'viewer'], path)
      assert.match(json.error?.message ?? '', /ada, who is a viewer: sees everything, signs nothing/)
    }
    assert.equal((await ask(file, '/v1/collect', post({ devices: ['nobody'] }))).status, 202)
    assert.equal((await ask(file, '/v1/status')).status, 200)
  })

  it('is JSON within bounds, with the keys that it has', async t => {
    const { file, load } = await served(t)
    for (const type of [
      'text/plain',
      'application/x-www-form-urlencoded',
      'multipart/form-data',
      'application/jsonx',
    ]) {
      const refused = await codeOf(file, '/v1/renew', post({}, { 'Content-Type': type }))
      assert.deepEqual(refused, [415, 'wrong-type'], type)
    }
    assert.deepEqual(await codeOf(file, '/v1/renew', post('{}', {})), [415, 'wrong-type'])
    for (const body of ['', '{', 'null', '[]', '"x"', '{"members":[],"sign":true}', '{"members":"all"}']) {
      const [status, code] = await codeOf(file, '/v1/renew', post(body))
      assert.ok(status === 400 && code === 'not-understood', `${body}: ${status} ${code}`)
    }
    assert.deepEqual(await codeOf(file, '/v1/renew', { ...post(''), body: Buffer.from([0x7b, 0xff, 0x7d]) }), [
      400,
      'not-understood',
    ])
    const huge = JSON.stringify({ members: ['x'.repeat(10 * maxBodyBytes)] })
    assert.deepEqual(await codeOf(file, '/v1/renew', post(huge)), [413, 'body-too-large'])
    assert.deepEqual(await codeOf(file, '/v1/renew', { headers: json }), [405, 'wrong-method'])
    assert.deepEqual(await codeOf(file, '/v1/tasks/x'), [404, 'unknown-task'])
    assert.deepEqual((await load()).tasks.all, [])
  })

  it('without an announced length is read no further than the bound', async t => {
    const { file } = await served(t)
    const sent = request({ socketPath: file, path: '/v1/renew', method: 'POST', headers: json, agent: false })
    sent.on('error', () => {})
    for (let each = 0; each < 3; each++) sent.write('x'.repeat(maxBodyBytes))
    sent.end()
    const [response] = await once(sent, 'response')
    assert.deepEqual([response.statusCode, JSON.parse(await text(response)).error.code], [413, 'body-too-large'])
  })

  it('that hides a second request in its body is one request', async t => {
    const { file, load } = await served(t)
    const socket = connectTo(file)
    t.after(() => socket.destroy())
    const head = 'POST /v1/renew HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n'
    socket.end(`${head}0\r\n\r\nPOST /v1/renew HTTP/1.1\r\n\r\n`)
    assert.match(await text(socket), /^HTTP\/1\.1 400 /)
    assert.deepEqual((await load()).tasks.all, [])
  })

  it('in bytes that are no UTF-8 is none', async t => {
    const { file, load } = await served(t)
    const body = Buffer.concat([Buffer.from('{"members": ["'), Buffer.from([0xff, 0xfe]), Buffer.from('"]}')])
    const sent = { method: 'POST', headers: json, body }
    assert.deepEqual(await codeOf(file, '/v1/renew', sent), [400, 'not-understood'])
    assert.deepEqual((await load()).tasks.all, [])
  })

  it('is none on loopback', async t => {
    const { load } = await served(t)
    const server = await ApiServer.onLoopback(0, 'secret', load)
    t.after(() => server.stop())
    const headers = { ...json, Authorization: 'Bearer secret', Host: `127.0.0.1:${server.port}` }
    assert.deepEqual(await codeOf(server.port, '/v1/renew', post({}, headers)), [403, 'read-only'])
    assert.equal((await ask(server.port, '/v1/tasks', { headers })).status, 200)
  })
})

describe('what was signed', () => {
  it('waits for one peer that takes it, and for none where nobody is in reach', async t => {
    const heard = async (devices: number) => {
      const { file, load } = await served(t, devices)
      const { json: task } = await ask(file, '/v1/spread', post({ seconds: 300 }))
      return (await (await load()).tasks.ended(String(task.id))).result
    }
    assert.deepEqual(await heard(1), { heard: true })
    assert.deepEqual(await heard(0), { heard: false })
  })
})

describe('a task', () => {
  it('is followed from any byte to its end', async t => {
    const { file, load } = await served(t)
    const { tasks } = await load()
    const go = Promise.withResolvers<void>()
    const { id } = await tasks.start('test', {}, async talk => {
      talk.note('before: ä')
      await go.promise
      talk.note('af"\\r')
      return {}
    })
    const follow = async (from: number) => {
      const stream = await openRunning(file, { path: `/v1/tasks/${id}/follow?from=${from}` })
      assert.ok(typeof stream === 'object')
      const said: string[] = []
      let state = ''
      for await (const { event, data } of eventFrames(stream)) {
        if (event === 'output') said.push(JSON.parse(data).text)
        else state = JSON.parse(data).state
        if (event === 'task' && state === 'running') go.resolve()
      }
      return [said.join(''), state]
    }
    assert.deepEqual(await Promise.all([follow(0), follow(11)]), [
      ['before: ä\naf"\\r\n', 'done'],
      ['af"\\r\n', 'done'],
    ])
    assert.deepEqual(await follow(11), ['af"\\r\n', 'done'])
    const { status, headers } = await (async () => {
      const stream = await openRunning(file, { path: `/v1/tasks/${id}/output?from=11` })
      assert.ok(typeof stream === 'object')
      assert.equal(await text(stream), 'af"\\r\n')
      return { status: stream.statusCode, headers: stream.headers }
    })()
    assert.deepEqual([status, headers['thymesh-next']], [200, '17'])
  })

  it('is cancelled', async t => {
    const { file, load } = await served(t, 0)
    const { tasks } = await load()
    const task = await tasks.start('spread', {}, async ({ signal }) => {
      if (!signal.aborted) await once(signal, 'abort')
      throw signal.reason
    })
    assert.deepEqual(await codeOf(file, `/v1/tasks/${task.id}/retry`, post({})), [409, 'task-ended'])
    const { status, json: ended } = await ask(file, `/v1/tasks/${task.id}/cancel`, post({}))
    assert.deepEqual([status, ended.state], [200, 'cancelled'])
    assert.deepEqual(await codeOf(file, `/v1/tasks/${task.id}/cancel`, post({})), [409, 'task-ended'])
  })
})
