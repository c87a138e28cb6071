/** `scripts/attack`: runs the attacks that are asked for and the fuzzer, and says what was held. */

import { attacks } from '../../../test/attack/cases.ts'
import { DaemonScene } from '../../../test/attack/daemon-scene.ts'
import { heapBytes } from '../../../test/attack/memory.ts'
import { runAttacks } from '../../../test/attack/run.ts'
import { argumentsOf, wrongUse } from '../arguments.ts'
import { fuzzAll } from './fuzz-all.ts'
import { docsTable, rowOf, summaryOf, type Totals } from './print.ts'

const options = {
  'fuzz-seconds': { type: 'string', default: '20' },
  fuzz: { type: 'string' },
  seed: { type: 'string' },
  keep: { type: 'boolean', default: false },
  width: { type: 'string', default: '8' },
  list: { type: 'boolean', default: false },
  json: { type: 'boolean', default: false },
} as const

process.exit(await main())

async function main(): Promise<number> {
  const { values, positionals } = argumentsOf('attack', { options, allowPositionals: true })
  const { 'fuzz-seconds': fuzzSeconds, seed: givenSeed = '0', width } = values
  if (![fuzzSeconds, givenSeed].every(text => /^\d+$/.test(text)) || !/^[1-9]\d?$/.test(width)) {
    wrongUse('attack', 'expected whole numbers for --fuzz-seconds, --seed and --width')
  }
  const matching = attacks.filter(
    ({ id, power }) => positionals.length === 0 || positionals.some(word => id.includes(word) || power.includes(word)),
  )
  if (values.fuzz !== undefined && positionals.length > 0) wrongUse('attack', 'expected --fuzz or attacks, got both')
  if (values.list) {
    process.stdout.write(docsTable(matching))
    return 0
  }
  if (matching.length === 0) {
    wrongUse('attack', `expected the ID of an attack or a part of it, got ${positionals.join(' ')}`)
  }
  const say = (line: string) => void (values.json ? process.stderr : process.stdout).write(`${line}\n`)
  const before = heapBytes()
  const chosen = values.fuzz === undefined ? matching : []
  const outcomes = await runAttacks(chosen, Number(values.width), outcome => say(rowOf(outcome))).finally(() =>
    DaemonScene.end(),
  )
  // A filter asks for those attacks; the fuzzer is no part of them.
  const seconds = positionals.length === 0 ? Number(values['fuzz-seconds']) : 0
  const seed = values.seed === undefined ? Date.now() % 2 ** 31 : Number(values.seed)
  const fuzzed = seconds > 0 ? await fuzzAll({ seconds, seed, keep: values.keep, named: values.fuzz ?? '' }, say) : []
  const totals: Totals = { outcomes, fuzzed, seed, heapGrowthBytes: heapBytes() - before }
  const { text, json, held } = summaryOf(totals)
  if (values.json) process.stdout.write(`${JSON.stringify(json)}\n`)
  else process.stdout.write(`\n${text}\n`)
  return held ? 0 : 1
}
