/** The kernel's own text, as it was read on a machine. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { parseConnections, parseCounter } from './kernel.ts'

const tcp = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:116C 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4711 1 0000000000000000 100 0 0 10 0
   1: 0100007F:D2F0 0100007F:116C 01 00000000:00000000 02:000006D6 00000000     0        0 4712 2 0000000000000000 20 4 30 10 -1
   2: 0100007F:D2F2 0100007F:116C 06 00000000:00000000 03:00000A11 00000000     0        0 0 3 0000000000000000
`
const netstat = `TcpExt: SyncookiesSent TCPKeepAlive TCPMemoryPressures
TcpExt: 0 17 0
IpExt: InNoRoutes TCPKeepAlive
IpExt: 0 99
`

describe('what the kernel tells', () => {
  it('has established connections by their ports and sockets', () => {
    assert.deepEqual(parseConnections(tcp), [{ localPort: 54_000, remotePort: 4460, inode: '4712' }])
    assert.deepEqual(parseConnections(''), [])
  })

  it('has counters by group and name', () => {
    assert.equal(parseCounter(netstat, 'TcpExt', 'TCPKeepAlive'), 17)
    assert.equal(parseCounter(netstat, 'TcpExt', 'NoSuchCounter'), 0)
    assert.equal(parseCounter('', 'TcpExt', 'TCPKeepAlive'), 0)
  })
})
