/** `scripts/soak`: runs daemons for as long as it is told, and says whether they stay as they are. */

import { messageOf, ThymeshError } from '../../../protocol/errors.ts'
import { argumentsOf, wrongUse } from '../arguments.ts'
import { Bench } from '../bench/bench.ts'
import { machine } from '../bench/result.ts'
import { nodeOptions } from '../bundle.ts'
import { shippedProgram } from './shipped.ts'
import { soak } from './soak.ts'
import { textOf } from './verdict.ts'

/** Beyond a day, certificates of the soak's fleets end. */
const mostMinutes = 20 * 60

const { values } = argumentsOf('soak', {
  options: { minutes: { type: 'string', default: '60' }, json: { type: 'boolean', default: false } },
})
const minutes = Number(values.minutes)
if (!(minutes >= 1 && minutes <= mostMinutes)) {
  wrongUse('soak', `expected 1 to ${mostMinutes} minutes, got ${values.minutes}`)
}

await using made = new AsyncDisposableStack()
const bench = new Bench({
  say: line => process.stderr.write(`${line}\n`),
  thymesh: [await shippedProgram(made)],
  node: await nodeOptions(),
})
made.defer(() => bench.dispose())
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => void made.disposeAsync().finally(() => process.exit(130)))
}
process.exitCode = await main()

async function main(): Promise<number> {
  try {
    const on = machine()
    const verdict = await soak({ minutes, bench })
    process.stdout.write(`${values.json ? JSON.stringify({ ...verdict, machine: on }) : textOf(verdict)}\n`)
    return verdict.held ? 0 : 1
  } catch (thrown) {
    const hint = thrown instanceof ThymeshError && thrown.hint !== undefined ? `\n${thrown.hint}` : ''
    process.stderr.write(`soak: ${messageOf(thrown)}${hint}\n`)
    return 1
  }
}
