/**
 * `bundle`: how fast bundles are written, beside tar and zstd, and read; how often a site reads its stick; how large an update
 * is.
 */

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { z } from 'zod'
import { Bundle } from '../../../../node/bundle/bundle.ts'
import type { BundleWish } from '../../../../node/carry/bundle-maker.ts'
import { takeBundle } from '../../../../node/carry/take-bundle.ts'
import { silentLogger } from '../../../../test/helpers/log.ts'
import { connectAll, type StorePeer, SwarmWorld } from '../../../../test/helpers/swarm.ts'
import { ensurePrograms, output } from '../apt.ts'
import { arena, type Bench } from '../bench.ts'
import type { Result } from '../result.ts'
import { updateBytes } from '../update-bytes.ts'

const MiB = 1024 ** 2
const devices = 5

export function bundleCase(bench: Bench): Promise<Result> {
  return bench.with(async stack => {
    await ensurePrograms({ tar: 'tar', zstd: 'zstd' })
    const { v1, v2, small } = await bench.systems()
    const { scratch } = await arena(stack)
    const world = await SwarmWorld.of({ after: undo => stack.defer(undo) })
    const controller = await world.controller({ machineStore: true })
    const file = (name: string) => join(scratch.directory, `${name}.thymesh`)

    const config = await world.releaseOf(controller, small.topLevel)
    const written = await write(controller, file('small'))
    bench.say(`  written: ${megabytes(written.bytes)} in ${written.seconds.toFixed(1)} s`)
    const tar = await tarAndZstd(small.paths, file('tar'))
    bench.say(`  tar and zstd: ${megabytes(tar.archive)} in ${tar.seconds.toFixed(1)} s`)
    const read = await readAll(bench, file('small'))
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
      peers: { 'tar and zstd -2 -T2, 100 MiB, s': perHundred({ ...tar, bytes: small.narSize }) },
      detail: { written, tar, read, update, counted: 'chunks before compression for times; in the page cache' },
    }
  })
}

interface Written {
  /** Bytes of chunks before compression, and of the archive. */
  readonly bytes: number
  readonly archive: number
  readonly seconds: number
  /** Of all threads. */
  readonly cpuSeconds: number
}

async function write(controller: StorePeer, file: string, wish: BundleWish = {}): Promise<Written> {
  const plan = await controller.door.bundles.plan(wish)
  const before = process.cpuUsage()
  const began = performance.now()
  await controller.door.bundles.writeFile(plan, file, { number: 1, now: new Date() })
  const seconds = (performance.now() - began) / 1000
  const { user, system } = process.cpuUsage(before)
  const bytes = plan.volumes.reduce((sum, volume) => sum + volume.bytes, 0)
  const cpuSeconds = (user + system) / 1e6
  return { bytes, cpuSeconds, archive: (await stat(file)).size, seconds }
}

/** What a pipe of tar and zstd takes for the same paths. */
async function tarAndZstd(paths: readonly string[], file: string): Promise<Omit<Written, 'bytes'>> {
  // The shell's times are its own, and below those of its children: user and system.
  const script = 'file=$1; shift; tar -cf - -P "$@" | zstd -2 -T2 -q -f -o "$file"; times'
  const began = performance.now()
  const said = await output('sh', ['-c', script, 'sh', file, ...paths])
  const seconds = (performance.now() - began) / 1000
  const children = [...(said.split('\n')[1] ?? '').matchAll(/(\d+)m([\d.]+)s/g)]
  const cpuSeconds = children.reduce((sum, [, minutes, rest]) => sum + 60 * Number(minutes) + Number(rest), 0)
  return { seconds, cpuSeconds, archive: (await stat(file)).size }
}

const readSchema = z.object({ bytes: z.int(), seconds: z.number(), cpuSeconds: z.number(), memory: z.int() })

/** Every chunk in the order of the packs, each verified, by a process with the options of devices. */
async function readAll(bench: Bench, file: string): Promise<z.infer<typeof readSchema>> {
  const { flags, env } = bench.node
  const program = join(import.meta.dirname, '../read-bundle-program.ts')
  const child = spawn(process.execPath, [...flags, program, file], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [said] = await Promise.all([text(child.stdout), once(child, 'exit')])
  return readSchema.parse(JSON.parse(said))
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
