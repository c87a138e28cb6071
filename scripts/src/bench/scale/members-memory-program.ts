/** An idle peer with the state of a directory, in a process of its own; prints what memory it takes as one JSON line. */

import { readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { NoStore } from '../../../../node/courier/no-store.ts'
import { MeshPeer } from '../../../../node/peer/mesh-peer.ts'
import { limitBufferPool } from '../../../../node/process/buffer-pool.ts'
import { makeLogger } from '../../../../node/process/log.ts'
import { parseSettings } from '../../../../node/settings/settings.ts'
import { openState } from '../../../../node/state/peer-state.ts'

/** So many collections until nothing more is found: some garbage is only let go between two turns. */
const collections = 20
const betweenMs = 100

limitBufferPool()
const [directory = '', fleet = '', certificate = ''] = process.argv.slice(2)
const settings = parseSettings(
  { state: directory, listen: ['/ip4/127.0.0.1/tcp/0'], mdns: false, dht: 'off', log: 'silent' },
  'program',
)
const state = await openState(settings)
const log = makeLogger('silent')
const { user, system } = process.cpuUsage()
const init = { fleet, certificate: Buffer.from(certificate, 'hex'), settings, state, log }
const peer = await MeshPeer.make({ ...init, store: new NoStore({ log }, { trustedPublicKeys: () => [] }) })
await peer.start()
const started = process.cpuUsage()
const startMs = (started.user + started.system - user - system) / 1000
for (let each = 0; each < collections; each++) {
  globalThis.gc?.()
  await sleep(betweenMs)
}
const { heapUsed, external } = process.memoryUsage()
const status = await readFile('/proc/self/status', 'utf8')
const anonymous = Number(/^RssAnon:\s+(\d+) kB$/m.exec(status)?.[1]) * 1024
process.stdout.write(`${JSON.stringify({ heap: heapUsed, external, anonymous, startMs })}\n`)
await peer.stop()
await state.database.close()
