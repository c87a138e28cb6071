/** The first connection of a way, which is opened ahead: ssh gets it while it lives, and else another one. */

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { connect, createServer, type Server } from 'node:net'
import { PassThrough } from 'node:stream'
import { it } from 'node:test'
import { listenAt } from '../../node/files/unix-socket.ts'
import { until } from '../../test/helpers/until.ts'
import { prepareSsh } from './ssh-ways.ts'

it('is used once, and not where it has ended before ssh came', async t => {
  const opened: PassThrough[] = []
  const openStream = async () => {
    opened.push(new PassThrough())
    return opened.at(-1) as PassThrough
  }
  const target = { device: 'forge', hostKey: 'ssh-ed25519 AAAA' }
  const client = await prepareSsh({ openStream, wait: 1 }, [{ alias: 'forge', target, user: 'root' }])
  t.after(() => client.stop())
  const socketFile = /ProxyCommand .* (\S+)$/m.exec(await readFile(client.config, 'utf8'))?.[1] ?? ''
  /** What is said comes back: the stream behind the socket echoes. */
  const echoed = async () => {
    const socket = connect(socketFile)
    socket.end('hello')
    const [bytes] = await once(socket, 'data')
    assert.equal(String(bytes), 'hello')
  }
  await client.open('forge')
  await echoed()
  assert.equal(opened.length, 1)
  await echoed()
  assert.equal(opened.length, 2)
  await client.open('forge')
  opened.at(-1)?.destroy()
  await echoed()
  assert.equal(opened.length, 4)
})

it('ends with its connections', async t => {
  const stream = new PassThrough().on('error', () => {})
  const target = { device: 'forge', hostKey: 'ssh-ed25519 AAAA' }
  const way = { alias: 'forge', target, user: 'root' }
  const client = await prepareSsh({ openStream: async () => stream, wait: 1 }, [way])
  t.after(() => client.stop())
  const socketFile = /ProxyCommand .* (\S+)$/m.exec(await readFile(client.config, 'utf8'))?.[1] ?? ''
  const socket = connect(socketFile)
  socket.on('error', () => {}).write('hello')
  await once(socket, 'data')
  await client.stop()
  await until(() => socket.closed && stream.closed, 'both ends to be closed')
})

it('listens itself where the process ends that has listened for it', async t => {
  const { promise: closed, resolve: ends } = Promise.withResolvers<void>()
  let opened = 0
  const openStream = async () => {
    opened++
    return new PassThrough().on('error', () => {})
  }
  let there: Server | undefined
  const openDoor = async (_: unknown, file: string) => {
    there = createServer(socket => void socket.on('error', () => {}).end('there'))
    await listenAt(there, file)
    return { closed, stop: () => {} }
  }
  const target = { device: 'forge', hostKey: 'ssh-ed25519 AAAA' }
  const client = await prepareSsh({ openStream, openDoor, wait: 1 }, [{ alias: 'forge', target, user: 'root' }])
  t.after(() => client.stop())
  const socketFile = /ProxyCommand .* (\S+)$/m.exec(await readFile(client.config, 'utf8'))?.[1] ?? ''
  const said = async () => {
    const socket = connect(socketFile).on('error', () => {})
    socket.write('here')
    const [bytes] = await once(socket, 'data').catch(() => [])
    socket.destroy()
    return String(bytes)
  }
  assert.equal(await said(), 'there')
  // It says that it ends before it has let the path go.
  ends()
  assert.equal(await said(), 'there')
  there?.close()
  await until(async () => (await said()) === 'here', 'the way to be taken over')
  assert.equal(opened, 1)
})
