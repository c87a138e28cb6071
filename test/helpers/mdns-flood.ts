/**
 * A neighbour that floods mDNS with questions, damaged packets and invented peers, and says how many answers came. Run by
 * test/mesh/mdns.test.ts.
 *
 *   mdns-flood.ts ADDRESS SERVICE
 */

import { randomBytes } from 'node:crypto'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import makeDns from 'multicast-dns'
import { peerIdOf } from '../../protocol/signing/peer-id.ts'

const [address = '', service = ''] = process.argv.slice(2)
const group = '224.0.0.251'
const socket = createSocket({ type: 'udp4', reuseAddr: true })
const dns = makeDns({ socket, interface: address, bind: group, ip: group, loopback: false })
let answers = 0
dns.on('response', () => answers++)
dns.on('warning', () => {})
await once(dns, 'ready')
for (let round = 0; round < 200; round++) {
  await new Promise(sent => dns.query({ questions: [{ name: service, type: 'PTR' }] }, sent))
  const name = `${randomBytes(8).toString('hex')}.${service}`
  const peer = peerIdOf(randomBytes(32) as never)
  dns.respond({
    answers: [{ name: service, type: 'PTR', data: name }],
    additionals: [{ name, type: 'TXT', data: `dnsaddr=/ip4/${address}/tcp/${1000 + round}/p2p/${peer}` }],
  })
  const label = Buffer.from(service.split('.')[0] ?? '')
  // Counts of 65,535 records that aren't there, and a packet larger than any may be.
  const damaged = Buffer.concat([Buffer.from('00008400ffffffffffffffff', 'hex'), label, randomBytes(100)])
  for (const packet of [damaged, Buffer.concat([damaged, Buffer.alloc(20_000)])]) {
    await new Promise(sent => socket.send(packet, 5353, group, sent))
  }
}
// An answer can be due later: one has just gone out when a host starts.
if (answers === 0) await once(dns, 'response')
console.log(answers)
dns.destroy()
