/** What a device's own API adds to an idle daemon, in a process with the options of devices; prints bytes as one JSON line. */

import { setTimeout as sleep } from 'node:timers/promises'
import '../../../node/device/device.ts'
import '../../../node/page/page-door.ts'
import '../../../node/peer/mesh-peer.ts'
import { makeLogger } from '../../../node/process/log.ts'

/** So many collections until nothing more is found: some garbage is only let go between two turns. */
const collections = 10
const betweenMs = 100

const [file = ''] = process.argv.slice(2)
const log = makeLogger('silent')
const before = await used()
const { DeviceApi } = await import('../../../node/api/device-api.ts')
const api = await DeviceApi.start(
  [file],
  () => {
    throw new Error('nobody asks')
  },
  log,
)
if (api === undefined) throw new Error('the API does not listen')
const after = await used()
await api.stop()
process.stdout.write(`${JSON.stringify({ bytes: after - before })}\n`)

/** Memory in use once there is no garbage. */
async function used(): Promise<number> {
  const { gc } = globalThis
  if (gc === undefined) throw new Error('expected node --expose-gc')
  for (let each = 0; each < collections; each++) {
    gc()
    await sleep(betweenMs)
  }
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}
