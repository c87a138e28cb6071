/** Unit tests of a device's own API: answers as their schemas say, only reads, within bounds, for its owner. */

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { stat, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { describe, it, type TestContext } from 'node:test'
import { siteSample } from '../../test/helpers/known-site.ts'
import { silentLogger } from '../../test/helpers/log.ts'
import { ask, codeOf } from '../../test/helpers/served-api.ts'
import { testDirectory } from '../../test/helpers/state.ts'
import { until } from '../../test/helpers/until.ts'
import { accountId } from '../process/account-id.ts'
import { DeviceApi } from './device-api.ts'
import { maxConnections, maxHeaderBytes } from './limits.ts'
import { ownStatusSchema, siteSchema } from './schemas.ts'
import { apiSockets } from './socket-place.ts'

async function served(t: TestContext): Promise<string> {
  const files = apiSockets(await testDirectory(t))
  // As it is left over by a daemon that was killed.
  await writeFile(files[0] ?? '', '')
  const api = await DeviceApi.start(files, siteSample, silentLogger)
  t.after(() => api?.stop())
  return api?.file ?? assert.fail('it does not listen')
}

describe("a device's own API", () => {
  it('answers as its schemas say', async t => {
    const file = await served(t)
    const { status, json: own } = await ask(file, '/v1/status')
    assert.deepEqual([status, ownStatusSchema.strict().parse(own)], [200, own])
    assert.deepEqual([own.device, own.site, own.state, own.release], ['kiosk-1', 'harbour', 'running', 7])
    assert.deepEqual([own.peers, own.newest], [['kiosk-2'], null])
    const { json: site } = await ask(file, '/v1/site')
    const { devices } = siteSchema.strict().parse(site)
    assert.deepEqual(
      devices.map(({ device, state, connected }) => [device, state, connected]),
      [
        ['kiosk-1', 'running', true],
        ['kiosk-2', 'rolled-back', true],
        ['kiosk-3', 'running', false],
        ['kiosk-4', 'running', false],
        ['kiosk-5', 'unseen', false],
      ],
    )
    assert.equal(devices[1]?.error?.code, 'health-failed')
  })

  it('is for its owner, and for a group where there is one', async t => {
    const group = await accountId('group', 'thymesh')
    const { mode, gid } = await stat(await served(t))
    assert.equal(mode & 0o777, group === undefined ? 0o600 : 0o660)
    if (group !== undefined) assert.equal(gid, group)
  })

  it('only reads, only its routes, without options', async t => {
    const file = await served(t)
    for (const method of ['POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS']) {
      assert.deepEqual(await codeOf(file, '/v1/status', { method }), [405, 'wrong-method'])
    }
    const large = { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: Buffer.alloc(10_000_000) }
    assert.deepEqual(await codeOf(file, '/v1/status', large), [405, 'wrong-method'])
    for (const path of ['/', '/v1', '/v1/status/', '/v1/devices', '/v1/../v1/status', '/%76%31/status']) {
      assert.deepEqual(await codeOf(file, path), [404, 'unknown-route'], path)
    }
    assert.deepEqual(await codeOf(file, '/v1/status?limit=1'), [400, 'not-understood'])
  })

  it('refuses large heads and what is no HTTP', async t => {
    const file = await served(t)
    assert.deepEqual(await codeOf(file, '/v1/status', { headers: { X: 'x'.repeat(maxHeaderBytes) } }), [
      431,
      'not-understood',
    ])
    const socket = connect(file)
    socket.write('{"v":1}\n')
    assert.match(await text(socket), /^HTTP\/1\.1 400 [\s\S]*"code":"not-understood"/)
  })

  it('takes some connections, and more once these have left', async t => {
    const file = await served(t)
    const held = await Promise.all(
      Array.from({ length: maxConnections }, async () => {
        const socket = connect(file)
        await once(socket, 'connect')
        return socket
      }),
    )
    const more = connect(file)
    more.on('error', () => {})
    await once(more, 'close')
    for (const socket of held) socket.destroy()
    const answers = async () => (await ask(file, '/v1/status').catch(() => undefined))?.status === 200
    await until(answers, 'an answer again')
  })

  it('takes the next path where the first can not be used, and none where none can', async t => {
    const directory = await testDirectory(t)
    const bad = [join(directory, 'x'.repeat(200)), join(directory, 'missing', 'api.sock')]
    assert.equal(await DeviceApi.start(bad, siteSample, silentLogger), undefined)
    const good = join(directory, 'api.sock')
    const api = await DeviceApi.start([...bad, good], siteSample, silentLogger)
    assert.equal(api?.file, good)
    await api?.stop()
    await assert.rejects(stat(good), { code: 'ENOENT' })
  })

  it('is in /run for the daemon of the machine, in its state for others', () => {
    assert.deepEqual(apiSockets('/var/lib/thymesh'), ['/run/thymesh/api.sock', '/var/lib/thymesh/api.sock'])
    assert.deepEqual(apiSockets('/var/lib/thymesh', '/mnt'), ['/var/lib/thymesh/api.sock'])
    assert.deepEqual(apiSockets('/srv/state'), ['/srv/state/api.sock'])
  })
})
