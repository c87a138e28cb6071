/**
 * What options of Node and of glibc's allocator do to the memory of an idle daemon, side by side in one mesh:
 * `node scripts/src/bench/idle-variants.ts [--seconds N] VARIANT …`. A variant is a name and words after a colon: `--flag` is added, `!--flag` of
 * node-flags.json is left out, `NAME=value` is set in the environment. Root only, like the benchmark.
 */

import { chmod, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { table } from '../../../controller/format/table.ts'
import { argumentsOf } from '../arguments.ts'
import { nodeOptions } from '../bundle.ts'
import { shippedProgram } from '../soak/shipped.ts'
import { arena, Bench } from './bench.ts'
import { BenchFleet } from './fleet.ts'
import { loopbackOf } from './place.ts'

/** Ports for the caches and pages of daemons that share a loopback. */
const firstPort = 7000
const kiB = 1024
const MiB = 1 << 20

interface Variant {
  readonly name: string
  readonly flags: readonly string[]
  readonly env: Readonly<Record<string, string>>
}

/** Bytes of a process that are resident, by what they are of. */
interface Resident {
  readonly all: number
  /** `all`, with pages that several processes have counted in parts: with one Node on a device it is the same. */
  readonly share: number
  /** Parts of files that are mapped: Node's own executable, mostly. The kernel drops them when others need the memory. */
  readonly files: number
  /** Of glibc's allocator in its first arena. */
  readonly heap: number
  /** V8's heap and code, threads, further arenas, large blocks. */
  readonly anonymous: number
}

const { values, positionals } = argumentsOf('bench', {
  allowPositionals: true,
  options: { seconds: { type: 'string', default: '120' } },
})
await using stack = new AsyncDisposableStack()
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => void stack.disposeAsync().finally(() => process.exit(130)))
}
const program = await shippedProgram(stack)
const node = await nodeOptions()
const bench = new Bench({ say: line => process.stderr.write(`${line}\n`), thymesh: [program], node })
stack.defer(() => bench.dispose())
process.stdout.write(`${await measured(['shipped:', ...positionals].map(parsed))}\n`)

function parsed(text: string): Variant {
  const [name = '', words = ''] = text.split(/:(.*)/s)
  const given = words.split(' ').filter(word => word !== '')
  const left = given.filter(word => word.startsWith('!')).map(word => word.slice(1))
  const added = given.filter(word => word.startsWith('--'))
  const env = given.filter(word => /^[A-Z]/.test(word)).map(word => word.split(/=(.*)/s).slice(0, 2))
  return {
    name,
    flags: [...node.flags.filter(flag => !left.includes(flag)), ...added],
    env: { ...node.env, ...Object.fromEntries(env) },
  }
}

function measured(variants: readonly Variant[]): Promise<string> {
  return bench.with(async stack => {
    const { network, scratch } = await arena(stack)
    const place = loopbackOf(network)
    const fleets = { directory: scratch.directory, place, bench: { thymesh: [''], node } }
    const fleet = stack.use(await BenchFleet.start(fleets))
    for (const [index, { name, flags, env }] of variants.entries()) {
      fleets.bench.thymesh = [await launcher(join(scratch.directory, `start-${name}`), flags, env)]
      const ports = { cache: { port: firstPort + 2 * index }, page: { port: firstPort + 2 * index + 1 } }
      await fleet.addDevice(name, place, undefined, false, { settings: ports })
    }
    await sleep(Number(values.seconds) * 1000)
    const rows = await Promise.all(
      fleet.devices.map(async device => {
        const { all, share, files, heap, anonymous } = await residentOf(device.program.pid)
        const cpu = (await device.program.cpuSeconds()).toFixed(1)
        return [device.name, ...[all, share, files, heap, anonymous].map(bytes => (bytes / MiB).toFixed(1)), cpu]
      }),
    )
    return table(['VARIANT', 'RSS, MiB', 'PSS', 'FILES', 'HEAP', 'OTHER', 'CPU, s'], rows)
  })
}

/** A launcher like the shipped one, with other options. */
async function launcher(file: string, flags: readonly string[], env: Variant['env']): Promise<string> {
  const [first = '', ...lines] = (await readFile(program, 'utf8')).split('\n')
  const kept = lines.filter(line => !/^export |^exec |^here=/.test(line))
  const set = Object.entries(env).map(([name, value]) => `export ${name}='${value}'`)
  const here = `here='${join(program, '..')}'`
  const start = `exec "$node" ${flags.join(' ')} "$here/thymesh.mjs" "$@"`
  await writeFile(file, [first, here, ...kept, ...set, start, ''].join('\n'))
  await chmod(file, 0o755)
  return file
}

async function residentOf(pid: number): Promise<Resident> {
  const sums = { all: 0, share: 0, files: 0, heap: 0, anonymous: 0 }
  let what: 'files' | 'heap' | 'anonymous' = 'anonymous'
  for (const line of (await readFile(`/proc/${pid}/smaps`, 'utf8')).split('\n')) {
    const mapping = /^[0-9a-f]+-[0-9a-f]+ \S+ \S+ \S+ \d+ *(.*)$/.exec(line)
    if (mapping !== null) what = mapping[1] === '[heap]' ? 'heap' : mapping[1]?.startsWith('/') ? 'files' : 'anonymous'
    const bytes = Number(/^Rss:\s+(\d+) kB/.exec(line)?.[1] ?? 0) * kiB
    sums[what] += bytes
    sums.all += bytes
    sums.share += Number(/^Pss:\s+(\d+) kB/.exec(line)?.[1] ?? 0) * kiB
  }
  return sums
}
