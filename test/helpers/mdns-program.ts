/**
 * A libp2p host that only looks for others by mDNS and says whom it finds. Run by test/mesh/mdns.test.ts.
 *
 *   mdns-program.ts SEED FLEET [ADDRESS …]
 */

import { makeHost } from '../../node/mesh/transport/host.ts'
import { libp2pLogger } from '../../node/process/log.ts'
import { protocolNames } from '../../protocol/messages/messages.ts'
import { silentLogger } from './log.ts'

const [seed, fleet = 'a', ...addresses] = process.argv.slice(2)
const host = await makeHost({
  maxConnections: 100,
  seed: new Uint8Array(32).fill(Number(seed)),
  names: protocolNames(fleet.repeat(64)),
  settings: { listen: addresses.length > 0 ? addresses : ['/ip4/0.0.0.0/tcp/4460'], mdns: true, dht: 'off' },
  agent: 'test',
  logger: libp2pLogger(silentLogger),
})
host.addEventListener('peer:discovery', ({ detail }) => {
  console.log(JSON.stringify({ peer: detail.id.toString(), addresses: detail.multiaddrs.map(String) }))
})
await host.start()
console.log(JSON.stringify({ started: host.peerId.toString() }))
// The process ends when nothing is left of the host.
process.once('SIGTERM', () => host.stop())
