/** `bundle`: how fast bundles are written and read, how often a site reads its stick, how large an update is. */

import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { Bundle } from '../../../../node/bundle/bundle.ts'
import type { BundleWish } from '../../../../node/carry/bundle-maker.ts'
import { takeBundle } from '../../../../node/carry/take-bundle.ts'
import { silentLogger } from '../../../../test/helpers/log.ts'
import { connectAll, type StorePeer, SwarmWorld } from '../../../../test/helpers/swarm.ts'
import { arena, type Bench } from '../bench.ts'
import type { Result } from '../result.ts'
import { updateBytes } from '../update-bytes.ts'

const MiB = 1024 ** 2
const devices = 5

export function bundleCase(bench: Bench): Promise<Result> {
  return bench.with(async stack => {
    const { v1, v2, small } = await bench.systems()
    const { scratch } = await arena(stack)
    const world = await SwarmWorld.of({ after: undo => stack.defer(undo) })
    const controller = await world.controller({ machineStore: true })
    const file = (name: string) => join(scratch.directory, `${name}.thymesh`)

    const config = await world.releaseOf(controller, small.topLevel)
    const written = await write(controller, file('small'))
    bench.say(`  written: ${megabytes(written.bytes)} in ${written.seconds.toFixed(1)} s`)
    const read = await readAll(file('small'))
    bench.say(`  read: ${megabytes(read.bytes)} in ${read.seconds.toFixed(1)} s`)

    const site = await Promise.all(
      Array.from({ length: devices }, (_, i) => world.peer(`device-${i}`, { site: 'ship' })),
    )
    const [reader, ...others] = site as [StorePeer, ...StorePeer[]]
    const bundle = await Bundle.open(file('small'), { scratch: scratch.directory })
    stack.defer(() => bundle.close())
    await take(reader, bundle)
    await connectAll(reader, ...others)
    const signal = AbortSignal.timeout(300_000)
    await Promise.all(site.map(device => world.fetch(device, config, { signal })))
    const times = bundle.readBytes / written.archive
    bench.say(`  ${devices} devices read their stick ${times.toFixed(2)} times`)

    await world.releaseOf(controller, v1.topLevel)
    const since = controller.state.accepted?.release.version
    await world.releaseOf(controller, v2.topLevel)
    const update = await write(controller, file('update'), { since })
    bench.say(`  version 1 → 2: ${megabytes(update.archive)}`)
    const mesh = await updateBytes(bench, v1, v2)
    return {
      case: 'bundle',
      bounds: [
        { what: 'to write 100 MiB', figure: perHundred(written), unit: 's', goal: 1 },
        { what: 'to read 100 MiB', figure: perHundred(read), unit: 's', goal: 1.25 },
        { what: 'more memory while reading', figure: read.memory / MiB, unit: 'MiB', goal: 32 },
        { what: `times that ${devices} devices read their stick`, figure: times, unit: '', goal: 1.05 },
        { what: 'version 1 → 2', figure: update.archive / 1e6, unit: 'MB', goal: mesh.wire.received / 1e6 },
      ],
      peers: {},
      detail: { written, read, update, counted: 'chunks before compression for times; in the page cache' },
    }
  })
}

interface Written {
  /** Bytes of chunks before compression, and of the archive. */
  readonly bytes: number
  readonly archive: number
  readonly seconds: number
}

async function write(controller: StorePeer, file: string, wish: BundleWish = {}): Promise<Written> {
  const plan = await controller.door.bundles.plan(wish)
  const began = performance.now()
  await controller.door.bundles.writeFile(plan, file, { number: 1, now: new Date() })
  const seconds = (performance.now() - began) / 1000
  const bytes = plan.volumes.reduce((sum, volume) => sum + volume.bytes, 0)
  return { bytes, archive: (await stat(file)).size, seconds }
}

/** Every chunk in the order of the packs, each verified. */
async function readAll(file: string) {
  const bundle = await Bundle.open(file)
  try {
    const entries = await Array.fromAsync(bundle.index(), entry => ({ ...entry, id: Uint8Array.from(entry.id) }))
    entries.sort((a, b) => a.pack - b.pack || a.offset - b.offset)
    const before = process.memoryUsage.rss()
    let most = before
    let bytes = 0
    const began = performance.now()
    for (const entry of entries) {
      bytes += (await bundle.chunk(entry)).length
      if (entry.offset % 64 === 0) most = Math.max(most, process.memoryUsage.rss())
    }
    return { bytes, seconds: (performance.now() - began) / 1000, memory: most - before }
  } finally {
    await bundle.close()
  }
}

async function take(device: StorePeer, bundle: Bundle): Promise<void> {
  const { state, directory, closures, shelf, equivocation, peerState } = device
  const { clock } = peerState
  await takeBundle({ state, directory, closures, shelf, equivocation, clock, log: silentLogger }, bundle)
}

function perHundred({ bytes, seconds }: { bytes: number; seconds: number }): number {
  return (seconds * 100 * MiB) / bytes
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`
}
