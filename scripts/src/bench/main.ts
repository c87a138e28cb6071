/** The benchmark: runs the cases that are asked for, one after another, and shows what they found. */

import { messageOf, ThymeshError } from '../../../protocol/errors.ts'
import { argumentsOf, wrongUse } from '../arguments.ts'
import { bundle, nodeOptions } from '../bundle.ts'
import { repository } from '../demo/processes.ts'
import { Bench } from './bench.ts'
import { api } from './cases/api.ts'
import { bundleCase } from './cases/bundle.ts'
import { describe } from './cases/describe.ts'
import { faults } from './cases/faults.ts'
import { gossip } from './cases/gossip.ts'
import { hands } from './cases/hands.ts'
import { idle, idleLan } from './cases/idle.ts'
import { memory } from './cases/memory.ts'
import { natCase } from './cases/nat.ts'
import { page } from './cases/page.ts'
import { point } from './cases/point.ts'
import { rebuild } from './cases/rebuild.ts'
import { scale } from './cases/scale.ts'
import { site } from './cases/site.ts'
import { update, updateDesktop } from './cases/update.ts'
import { jsonLine, machine, type Result, textOf } from './result.ts'

const cases: Record<string, (bench: Bench) => Promise<Result>> = {
  rebuild,
  update,
  'update-desktop': updateDesktop,
  describe,
  point,
  site,
  memory,
  idle,
  'idle-lan': idleLan,
  gossip,
  faults,
  scale,
  bundle: bundleCase,
  page,
  api,
  hands,
  nat: natCase,
}

const { values, positionals: asked } = argumentsOf('bench', {
  allowPositionals: true,
  options: { json: { type: 'boolean', default: false }, sources: { type: 'boolean', default: false } },
})
const { json, sources: fromSources } = values
const known = Object.keys(cases)
const chosen = (asked.length > 0 ? asked : known).map(name => {
  const work = cases[name] ?? wrongUse('bench', `expected a case (${known.join(', ')}), got ${name}`)
  return { name, work }
})

const bench = new Bench({
  say: line => process.stderr.write(`${line}\n`),
  thymesh: fromSources ? [process.execPath, `${repository}controller/main.ts`] : [await bundle()],
  node: fromSources ? { flags: [], env: {} } : await nodeOptions(),
})
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => void bench.dispose().finally(() => process.exit(130)))
}
const results: Result[] = []
for (const { name, work } of chosen) await runCase(name, work)
if (!json && results.length > 0) process.stdout.write(`${textOf(results)}\n`)
process.exit(process.exitCode ?? 0)

async function runCase(name: string, work: (bench: Bench) => Promise<Result>): Promise<void> {
  const start = performance.now()
  try {
    bench.say(`${name} …`)
    const on = machine()
    const found = await work(bench)
    const result = { ...found, detail: { ...found.detail, machine: on } }
    results.push(result)
    if (json) process.stdout.write(`${jsonLine(result)}\n`)
    bench.say(`${name} took ${((performance.now() - start) / 1000).toFixed(0)} s`)
  } catch (thrown) {
    process.exitCode = 1
    const hint = thrown instanceof ThymeshError && thrown.hint !== undefined ? `\n${thrown.hint}` : ''
    process.stderr.write(`bench: ${name} can't be measured: ${messageOf(thrown)}${hint}\n`)
  }
}
