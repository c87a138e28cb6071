/** The local API on a real peer: each route against its schema, its errors, bad requests, and the version before. */

import assert from 'node:assert/strict'
import { stat, writeFile } from 'node:fs/promises'
import { connect as connectTo, createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { describe, it } from 'node:test'
import { callRunning, whoRuns } from '../../controller/api/client.ts'
import { maxConnections } from '../../controller/api/limits.ts'
import { openApi } from '../../controller/api/openapi.ts'
import { projectQuestions } from '../../controller/api/project-questions.ts'
import { questions } from '../../controller/api/questions.ts'
import { ApiServer } from '../../controller/api/server.ts'
import { withCode } from '../helpers/errors.ts'
import { ask, codeOf, served } from '../helpers/served-api.ts'
import { testDirectory } from '../helpers/state.ts'
import { until } from '../helpers/until.ts'

describe('the local API', () => {
  it('answers each route as its schema says', async t => {
    const { file, devices, session } = await served(t, 2)
    const device = devices[0]?.word ?? assert.fail()
    for (const [name, { path, answer }] of Object.entries(questions)) {
      // They need what isn't here: a journal, logs, recordings, a grant for screens, and a proposal.
      if (['logs', 'audit', 'recordings', 'recording', 'snapshots', 'metrics', 'proposal'].includes(name)) continue
      // Those of the project have a test of their own, with a project and Nix.
      if (name in projectQuestions) continue
      const place = path.replace('{name}', device).replace('{release}', '1')
      const { status, json } = await ask(file, place)
      // The release of the test names closures that are not here.
      if (name === 'rollout' && status === 404) continue
      assert.equal(status, 200, `${path}: ${JSON.stringify(json)}`)
      assert.deepEqual(answer.parse(json), json, `${path} answers with what its schema does not name`)
    }
    const { json } = await ask(file, '/v1/status')
    assert.equal(json.fleet, session.peer.fleet)
    assert.equal((json.devices as unknown[]).length, 2)
  })

  it('answers many at once, over a socket that is its owner’s alone', async t => {
    const { file } = await served(t)
    const answers = await Promise.all(Array.from({ length: 20 }, () => callRunning(file, { path: '/v1/status' })))
    assert.ok(answers.every(answer => typeof answer === 'object'))
    assert.equal((await stat(file)).mode & 0o777, 0o600)
    assert.equal(await whoRuns(file), `\`thymesh serve\` (process ${process.pid})`)
  })

  it('pages through long lists, each row once', async t => {
    const { file } = await served(t, 3)
    const seen: string[] = []
    let next: string | undefined
    do {
      const { json } = await ask(file, `/v1/devices?limit=2${next === undefined ? '' : `&after=${next}`}`)
      seen.push(...(json.devices as { device: string }[]).map(({ device }) => device))
      next = json.next as string | undefined
    } while (next !== undefined)
    assert.deepEqual(seen, ['device-1', 'device-2', 'device-3'])
    assert.deepEqual(await codeOf(file, '/v1/devices?after=nobody'), [400, 'unknown-cursor'])
    for (const limit of ['0', '1001', 'x', '1e3']) {
      assert.deepEqual(await codeOf(file, `/v1/devices?limit=${limit}`), [400, 'not-understood'], limit)
    }
  })

  it('refuses what it does not know, and says why', async t => {
    const { file } = await served(t)
    assert.deepEqual(await codeOf(file, '/v2/status'), [404, 'unknown-route'])
    assert.deepEqual(await codeOf(file, '/v1/status?sign=true'), [400, 'not-understood'])
    assert.deepEqual(await codeOf(file, '/v1/devices?limit=1&limit=2'), [400, 'not-understood'])
    assert.deepEqual(await codeOf(file, '/v1/status?news=x'), [400, 'not-understood'])
    assert.deepEqual(await codeOf(file, '/v1/devices/nobody'), [404, 'unknown-device'])
    for (const method of ['POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS']) {
      const { status, headers, json } = await ask(file, '/v1/status', { method })
      assert.deepEqual([status, headers.allow, json.error?.code], [405, 'GET', 'wrong-method'], method)
    }
    assert.deepEqual(await codeOf(file, `/v1/${'x'.repeat(20_000)}`), [431, 'not-understood'])
  })

  it('takes what is not HTTP for what it is, and tells a command of the version before', async t => {
    const { file } = await served(t)
    const said = async (bytes: string) => {
      const socket = connectTo({ path: file, allowHalfOpen: true })
      socket.end(bytes)
      return await text(socket)
    }
    const line = await said(`${JSON.stringify({ v: 1, query: 'status', newsSeconds: 0, options: {} })}\n`)
    // As the version before parses it: one line, v and error, nothing else.
    assert.ok(line.endsWith('\n'))
    const { v, error, ...rest } = JSON.parse(line)
    assert.deepEqual([v, Object.keys(error).sort(), rest], [1, ['code', 'hint', 'message'], {}])
    assert.equal(error.code, 'not-understood')
    assert.match(error.hint, /newer version/)
    assert.match(await said('hello\r\n\r\n'), /^HTTP\/1\.1 400 /)
    assert.equal(await whoRuns(file), `\`thymesh serve\` (process ${process.pid})`)
  })

  it('is nobody where there is no socket, where nobody listens any more, and has left where it ends meanwhile', async t => {
    const directory = await testDirectory(t)
    const call = { path: '/v1/status' }
    assert.equal(await callRunning(join(directory, 'none'), call), 'nobody')
    assert.equal(await callRunning(join(directory, 'x'.repeat(200)), call), 'nobody')
    await writeFile(join(directory, 'stale'), '')
    assert.equal(await callRunning(join(directory, 'stale'), call), 'nobody')
    const file = join(directory, 'leaves')
    const leaving = createServer(socket => socket.once('data', () => socket.destroy()))
    t.after(() => leaving.close())
    await new Promise<void>(resolve => leaving.listen(file, resolve))
    assert.equal(await callRunning(file, call), 'left')
  })

  it('is not believed when it answers what no version of it would', async t => {
    const file = join(await testDirectory(t), 'other')
    const server = createServer(socket => socket.resume().end('{"v":2}\n'))
    t.after(() => server.close())
    await new Promise<void>(resolve => server.listen(file, resolve))
    await assert.rejects(callRunning(file, { path: '/v1/status' }), withCode('not-understood'))
  })

  it('takes the place of one that died', async t => {
    const { file, load } = await served(t)
    const again = await ApiServer.onSocket(file, load)
    t.after(() => again.stop())
    assert.equal((await ask(file, '/v1/controller')).status, 200)
  })

  it('stays in reach while others hold more connections than it takes', async t => {
    const { file } = await served(t)
    const sockets: Socket[] = Array.from({ length: 1000 }, () => connectTo(file).on('error', () => {}))
    t.after(() => {
      for (const socket of sockets) socket.destroy()
    })
    // Those above the limit are closed at once.
    await until(
      () => sockets.filter(socket => !socket.closed && !socket.readableEnded).length <= maxConnections,
      'the rest to be closed',
    )
    for (const socket of sockets) socket.destroy()
    await until(async () => (await callRunning(file, { path: '/v1/controller' })) !== 'left', 'an answer')
  })

  it('describes all of it as OpenAPI', async t => {
    const { file } = await served(t)
    const { json } = await ask(file, '/v1/openapi.json')
    assert.deepEqual(json, JSON.parse(JSON.stringify(openApi())))
    assert.equal(json.openapi, '3.1.0')
    for (const { path } of Object.values(questions)) assert.ok(path in (json.paths as object), path)
  })
})

describe('the API on loopback', () => {
  it('answers who has the token, and nobody else', async t => {
    const { load } = await served(t)
    const server = await ApiServer.onLoopback(0, 'secret', load)
    t.after(() => server.stop())
    const { port } = server
    const bearer = { Authorization: 'Bearer secret' }
    const host = { ...bearer, Host: `127.0.0.1:${port}` }
    assert.deepEqual(await codeOf(port, '/v1/status', { headers: host }), [200, undefined])
    assert.deepEqual(await codeOf(port, '/v1/status', { headers: { ...bearer, Host: `localhost:${port}` } }), [
      200,
      undefined,
    ])
    for (const authorization of ['', 'Bearer ', 'Bearer secres', 'Bearer secret2', 'Basic secret']) {
      const headers = { ...host, Authorization: authorization }
      assert.deepEqual(await codeOf(port, '/v1/status', { headers }), [401, 'no-token'], authorization)
    }
    for (const name of ['evil.example', 'evil.example:80', '127.0.0.1.evil.example', 'localhost.evil.example']) {
      assert.deepEqual(
        await codeOf(port, '/v1/status', { headers: { ...bearer, Host: name } }),
        [421, 'wrong-host'],
        name,
      )
    }
    const foreign: Record<string, string>[] = [
      { 'Sec-Fetch-Site': 'cross-site' },
      { 'Sec-Fetch-Site': 'same-site' },
      { Origin: 'http://localhost:1' },
      { Origin: 'null' },
    ]
    for (const headers of foreign) {
      assert.deepEqual(await codeOf(port, '/v1/status', { headers: { ...host, ...headers } }), [403, 'cross-site'])
    }
    const own = { ...host, 'Sec-Fetch-Site': 'same-origin', Origin: `http://127.0.0.1:${port}` }
    const { status, headers } = await ask(port, '/v1/status', { headers: own })
    assert.deepEqual(
      [status, headers['access-control-allow-origin'], headers['cache-control']],
      [200, undefined, 'no-store'],
    )
  })
})
