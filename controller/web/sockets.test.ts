/** Refused WebSockets: a foreign page is told why, and keeps no place of the page's. */

import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { describe, it } from 'node:test'
import { promisify } from 'node:util'
import { until } from '../../test/helpers/until.ts'
import type { PageSessions } from './sessions.ts'
import { takeSockets } from './sockets.ts'

describe('a WebSocket that is refused', () => {
  it('is hung up, also where the other side never does and goes on talking', async t => {
    const server = createServer()
    const port = () => (server.address() as AddressInfo).port
    const end = takeSockets(server, { sessions: {} as PageSessions, port, kinds: new Map() })
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    const socket = connect({ port: port(), host: '127.0.0.1', allowHalfOpen: true })
    t.after(() => {
      socket.destroy()
      end()
      server.close()
    })
    socket.on('error', () => {})
    let answer = ''
    socket.on('data', bytes => {
      answer += bytes
    })
    const lines = [`Host: 127.0.0.1:${port()}`, 'Origin: http://elsewhere.example', 'Upgrade: websocket']
    socket.write(`GET /page/terminal HTTP/1.1\r\n${lines.join('\r\n')}\r\nConnection: Upgrade\r\n\r\nand more`)
    await until(() => answer.includes('cross-site'), 'the answer')
    await until(async () => (await promisify(server.getConnections.bind(server))()) === 0, 'the server to hang up')
    assert.match(answer, /^HTTP\/1\.1 403 /)
  })
})
