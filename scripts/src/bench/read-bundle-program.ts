/** Reads every chunk of a bundle, in a process with the options of devices; prints what it took as one JSON line. */

import { Bundle } from '../../../node/bundle/bundle.ts'

/** Half a pack: so often the memory is looked at. */
const lookBytes = 4 * 1024 ** 2

const [file = ''] = process.argv.slice(2)
const bundle = await Bundle.open(file)
const entries = await Array.fromAsync(bundle.index(), entry => ({ ...entry, id: Uint8Array.from(entry.id) }))
entries.sort((a, b) => a.pack - b.pack || a.offset - b.offset)
const before = process.memoryUsage.rss()
let most = before
let bytes = 0
let looked = 0
const cpuBefore = process.cpuUsage()
const began = performance.now()
for (const entry of entries) {
  bytes += (await bundle.chunk(entry)).length
  if (bytes - looked < lookBytes) continue
  looked = bytes
  most = Math.max(most, process.memoryUsage.rss())
}
const seconds = (performance.now() - began) / 1000
const { user, system } = process.cpuUsage(cpuBefore)
await bundle.close()
process.stdout.write(
  `${JSON.stringify({ bytes, seconds, cpuSeconds: (user + system) / 1e6, memory: most - before })}\n`,
)
