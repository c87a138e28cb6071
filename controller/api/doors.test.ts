/** Doors at their bounds: who leaves while one is opened, who lives in another network, and how many may come through. */

import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { it, type TestContext } from 'node:test'
import { temporaryFolder } from '../../node/files/temporary.ts'
import { namespaceOf } from '../../node/process/namespace.ts'
import { withCode } from '../../test/helpers/errors.ts'
import { until } from '../../test/helpers/until.ts'
import { upgradeRunning } from './client.ts'
import { openDoorThere } from './door-client.ts'
import { maxStreams } from './limits.ts'
import { ApiServer, type LoadApi } from './server.ts'
import { streamPath, streamUpgrade } from './upgrade.ts'

const kiosk = { role: 'device', name: 'kiosk', peer: 'a peer', issued: '' }

/** A controller whose only device opens any stream: what is written to one comes back. */
async function scene(t: TestContext, reach: (left?: AbortSignal) => Promise<boolean> = async () => true) {
  const folder = await temporaryFolder()
  t.after(() => folder.remove())
  const opened: PassThrough[] = []
  const openSsh = async () => {
    opened.push(new PassThrough().on('error', () => {}))
    return opened.at(-1)
  }
  const neighbours = { reach: (_: string, __: number, left?: AbortSignal) => reach(left), openSsh }
  const peer = { neighbours, directory: { certificates: () => [kiosk] }, ownLog: { audited: async () => {} } }
  const file = join(folder.path, 'local.sock')
  const load = (async () => ({ session: { peer } })) as unknown as LoadApi
  const server = await ApiServer.onSocket(file, load)
  t.after(() => server.stop())
  const at = join(folder.path, '0.sock')
  const door = () => openDoorThere(file, 'ssh-door', { device: 'kiosk', user: 'root', wait: 60, at })
  return { file, at, opened, door }
}

it('opens nothing for who leaves meanwhile, and listens only when it is open', async t => {
  const asked = Promise.withResolvers<AbortSignal | undefined>()
  const answer = Promise.withResolvers<boolean>()
  const { file, at, opened } = await scene(t, left => {
    asked.resolve(left)
    return answer.promise
  })
  const query = new URLSearchParams({ user: 'root', wait: '60', at })
  const caller = connect(file).on('error', () => {})
  const head = `Host: localhost\r\nConnection: Upgrade\r\nUpgrade: ${streamUpgrade}`
  caller.write(`GET ${streamPath('kiosk', 'ssh-door')}?${query} HTTP/1.1\r\n${head}\r\n\r\n`)
  const left = await asked.promise
  assert.equal(existsSync(at), false)
  caller.destroy()
  await until(() => left?.aborted, 'the controller to know')
  answer.resolve(false)
  const next = upgradeRunning(file, streamPath('kiosk', 'ssh'), streamUpgrade)
  await assert.rejects(next, withCode('not-understood'))
  assert.deepEqual([opened.length, existsSync(at)], [0, false])
})

it('counts a connection to a door as what it is: a stream to a device', async t => {
  const { file, at, opened, door } = await scene(t)
  const held = await door()
  assert.equal(held?.at, at)
  // The door itself is one.
  const connections: Socket[] = []
  for (let each = 1; each < maxStreams; each++) connections.push(connect(at).on('error', () => {}))
  t.after(() => connections.forEach(each => void each.destroy()))
  await until(() => opened.length === maxStreams - 1, 'all of them')
  const further = connect(at).on('error', () => {})
  await until(() => further.resume().closed, 'one too many to be closed')
  assert.equal(opened.length, maxStreams - 1)
  const stream = upgradeRunning(file, `${streamPath('kiosk', 'ssh')}?user=root`, streamUpgrade)
  await assert.rejects(stream, withCode('too-many'))
  held?.stop()
  await until(() => connections.every(({ closed }) => closed), 'its connections to end with it')
})

it('listens at no address for a caller of another network', async t => {
  const { file } = await scene(t)
  const about = { user: 'root', wait: '1', to: 'tcp:127.0.0.1:80', ticket: '', at: '127.71.1.1:0' }
  const ask = (net: string) => {
    const query = new URLSearchParams({ ...about, net })
    return upgradeRunning(file, `${streamPath('nobody', 'forward-door')}?${query}`, streamUpgrade)
  }
  await assert.rejects(ask('1'), withCode('socket-path'))
  await assert.rejects(ask('x'), withCode('not-understood'))
  // Of the own one, it goes on to the device.
  await assert.rejects(ask(namespaceOf('net') ?? ''), withCode('unknown-device'))
})
