/** Tests of guests at the mesh's port: each connection reaches whom it is for, with every byte. */

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { type TestContext, test } from 'node:test'
import { until } from '../../../test/helpers/until.ts'
import { PortGuests } from './port-guests.ts'

const ip = '127.0.0.1'
const hello = Buffer.from([0x16, 3, 1, 0, 5])
const libp2p = Buffer.from('\u0013/multistream/1.0.0\n')

/** A server of the mesh on loopback, with what came where. */
async function scene(t: TestContext) {
  const came = { mesh: [] as string[], guest: [] as string[] }
  const keep = (where: string[]) => (socket: Socket) => {
    const at = where.push('') - 1
    socket.on('error', () => {})
    socket.on('data', bytes => {
      where[at] += bytes.toString('latin1')
    })
  }
  const sockets: Socket[] = []
  const server = createServer(keep(came.mesh))
  const guests = new PortGuests()
  guests.watch(server)
  await once(server.listen(0, ip), 'listening')
  const dial = (...parts: Buffer[]) => {
    const socket = connect((server.address() as AddressInfo).port, ip, async () => {
      for (const part of parts) await new Promise(done => socket.write(part, done))
    })
    sockets.push(socket.on('error', () => {}))
    return socket
  }
  t.after(() => {
    guests.receive(undefined)
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return { came, guests, dial, host: keep(came.guest) }
}

test('a guest is received when one is expected, and the mesh gets what is for it', async t => {
  const { came, guests, dial, host } = await scene(t)
  guests.receive(host)
  const forget = guests.expect(`::ffff:${ip}`)
  dial(hello)
  dial(libp2p, Buffer.from('and more'))
  await until(() => came.guest.length === 1 && came.mesh.length === 1, 'both')
  await until(() => came.mesh[0]?.endsWith('and more'), 'all of it')
  assert.deepEqual(came, { mesh: [`${libp2p.toString('latin1')}and more`], guest: [hello.toString('latin1')] })
  forget()
  forget()
  dial(hello)
  await until(() => came.mesh.length === 2, 'the one that nobody expects any more')
  assert.equal(came.guest.length, 1)
})

test('nobody is looked at before there is a host, or from another address', async t => {
  const { came, guests, dial, host } = await scene(t)
  guests.expect(ip)
  dial(hello)
  await until(() => came.mesh.length === 1, 'the mesh')
  guests.receive(host)
  const other = await scene(t)
  other.guests.receive(other.host)
  other.guests.expect('192.0.2.1')
  other.dial(hello)
  await until(() => other.came.mesh.length === 1, 'the mesh')
})

test('one that says nothing is closed, and many of them keep nobody from the mesh', async t => {
  const { came, guests, dial, host } = await scene(t)
  guests.receive(host)
  guests.expect(ip)
  const silent = Array.from({ length: 80 }, () => dial())
  await Promise.all(silent.map(socket => once(socket, 'connect')))
  // So many are looked at; who comes then goes to the mesh at once.
  await until(() => came.mesh.length === 80 - 64, 'the rest')
  dial(libp2p)
  await until(() => came.mesh.includes(libp2p.toString('latin1')), 'one that is honest')
  for (const socket of silent) socket.resume()
  await until(() => silent.filter(({ closed }) => closed).length === 64, 'those that were looked at to be closed')
})

test('one that goes away while it is looked at is forgotten', async t => {
  const { came, guests, dial, host } = await scene(t)
  guests.receive(host)
  guests.expect(ip)
  for (let each = 0; each < 100; each++) {
    const socket = dial()
    await once(socket, 'connect')
    socket.resetAndDestroy()
  }
  dial(hello)
  await until(() => came.guest.length === 1, 'a guest, for whom there is a place')
})
