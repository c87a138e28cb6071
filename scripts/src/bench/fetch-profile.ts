/**
 * Where the processor time of a cold fetch goes, on the device and on the controller that it fetches from, by function:
 * `node scripts/src/bench/fetch-profile.ts [--megabytes N] [--stream]`. Root only, like the benchmark. `--stream`: without a bulk lane.
 */

import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { table } from '../../../controller/format/table.ts'
import { argumentsOf } from '../arguments.ts'
import { nodeOptions } from '../bundle.ts'
import { Closures } from '../soak/closures.ts'
import { shippedProgram } from '../soak/shipped.ts'
import { arena, Bench } from './bench.ts'
import { BenchFleet } from './fleet.ts'
import { loopbackOf } from './place.ts'
import type { Program } from './program.ts'

/** Of V8's format: a tree of calls, and how long each of its nodes was the one that ran. */
interface Profile {
  readonly nodes: readonly { readonly id: number; readonly callFrame: { functionName: string; url: string } }[]
  readonly samples: readonly number[]
  /** In microseconds, of the same clock as `process.hrtime`. */
  readonly startTime: number
  readonly timeDeltas: readonly number[]
}

/** When the fetch began and ended, in microseconds of the profile's clock: joining the mesh is none of it. */
interface Span {
  readonly from: number
  readonly to: number
}

const limitMs = 600_000
/** Functions of each side that are shown. */
const rowsShown = 22

const { values } = argumentsOf('bench', {
  options: { megabytes: { type: 'string', default: '200' }, stream: { type: 'boolean', default: false } },
})
const megabytes = Number(values.megabytes)
await using stack = new AsyncDisposableStack()
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => void stack.disposeAsync().finally(() => process.exit(130)))
}
const node = await nodeOptions()
const bench = new Bench({
  say: line => process.stderr.write(`${line}\n`),
  thymesh: [await shippedProgram(stack)],
  node,
})
stack.defer(() => bench.dispose())
process.stdout.write(`${await profiled()}\n`)

function profiled(): Promise<string> {
  return bench.with(async stack => {
    const { network, scratch } = await arena(stack)
    const { directory } = scratch
    const place = loopbackOf(network)
    const profiles = async (name: string) => ({
      NODE_OPTIONS: `--cpu-prof --cpu-prof-dir=${await scratch.folder('profiles', name)}`,
    })
    const env = { ...node.env, ...(await profiles('controller')) }
    const options = { directory, place, bench: { thymesh: bench.thymesh, node: { flags: node.flags, env } } }
    const fleet = stack.use(await BenchFleet.start(options))
    const settings = { lanes: !values.stream }
    const device = await fleet.addDevice('device', place, undefined, false, { env: await profiles('device'), settings })
    const closures = new Closures(await scratch.folder('closures'), { programBytes: megabytes * 1e6 })
    stack.defer(() => closures.forget(0))
    const { topLevel } = await closures.make('cold')
    const programs: Record<string, Program> = { device: device.program, controller: fleet.controller }
    const before = await cpuOf(programs)
    const from = nowUs()
    const { at } = await fleet.publish({ topLevel })
    const seconds = ((await fleet.runs(device, topLevel, limitMs)) - at) / 1000
    const span = { from, to: nowUs() }
    const after = await cpuOf(programs)
    // They write their profiles as they end.
    await fleet.stop()
    const sides = Object.keys(programs).map(async name => {
      const cost = ((after[name] ?? 0) - (before[name] ?? 0)) * 1000
      const rows = await sharesOf(join(directory, 'profiles', name), span)
      return `${name}: ${(cost / megabytes).toFixed(1)} ms a MB\n${table(['SHARE', 'FUNCTION', 'OF'], rows)}`
    })
    return [`${megabytes} MB in ${seconds.toFixed(1)} s`, ...(await Promise.all(sides))].join('\n\n')
  })
}

async function cpuOf(programs: Record<string, Program>): Promise<Record<string, number>> {
  const entries = Object.entries(programs).map(async ([name, each]) => [name, await each.ownCpuSeconds()] as const)
  return Object.fromEntries(await Promise.all(entries))
}

function nowUs(): number {
  return Number(process.hrtime.bigint() / 1000n)
}

/** Functions by their own share of the time in which a thread of the program did anything: native threads of Node and V8 are not counted. */
async function sharesOf(folder: string, { from, to }: Span): Promise<string[][]> {
  const spent = new Map<string, { of: string; name: string; us: number }>()
  for (const file of await readdir(folder)) {
    const { nodes, samples, startTime, timeDeltas }: Profile = JSON.parse(await readFile(join(folder, file), 'utf8'))
    const frames = new Map(nodes.map(({ id, callFrame }) => [id, callFrame]))
    let at = startTime
    for (const [index, id] of samples.entries()) {
      const { functionName = '', url = '' } = frames.get(id) ?? {}
      at += timeDeltas[index] ?? 0
      if (functionName === '(idle)' || at < from || at > to) continue
      const of = url.replace(/^.*\/(?=node_modules\/|controller\/|node\/|protocol\/)|^file:.*\//, '')
      const entry = spent.get(`${functionName} ${of}`) ?? { of, name: functionName || '(without a name)', us: 0 }
      spent.set(`${functionName} ${of}`, { ...entry, us: entry.us + (timeDeltas[index] ?? 0) })
    }
  }
  const all = [...spent.values()].sort((a, b) => b.us - a.us)
  const sum = all.reduce((sum, { us }) => sum + us, 0)
  return all.slice(0, rowsShown).map(({ of, name, us }) => [`${((us / sum) * 100).toFixed(1)} %`, name, of])
}
