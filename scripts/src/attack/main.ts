/** `scripts/attack`: runs the attacks that are asked for and the fuzzer, and says what was held. */

import { parseArgs } from 'node:util'
import { messageOf } from '../../../protocol/errors.ts'
import { attacks } from '../../../test/attack/cases.ts'
import { DaemonScene } from '../../../test/attack/daemon-scene.ts'
import { heapBytes } from '../../../test/attack/memory.ts'
import { runAttacks } from '../../../test/attack/run.ts'
import { fuzzAll } from './fuzz-all.ts'
import { docsTable, rowOf, summaryOf, type Totals } from './print.ts'

const help = `Usage: scripts/attack [options] [filter …]

Runs hostile peers against real ones on loopback. Each attack's outcome is looked for on the victim's disk and in its memory.

  filter              only attacks whose ID or power contains one of these words
  --fuzz-seconds N    how long decoders are fuzzed, all together (20; 0 for not at all)
  --seed N            for the fuzzer; else another one each time
  --keep              keeps inputs that were answered in a way of their own in test/fixtures/corpus
  --width N           attacks that run side by side (8)
  --list              the attacks, as docs/security.md has them
  --json              one object on standard output
  --help              this

Exit code 1 when an attack was not held or a decoder crashed, 2 when the command is wrong.
`

const options = {
  'fuzz-seconds': { type: 'string', default: '20' },
  seed: { type: 'string' },
  keep: { type: 'boolean', default: false },
  width: { type: 'string', default: '8' },
  list: { type: 'boolean', default: false },
  json: { type: 'boolean', default: false },
  help: { type: 'boolean', default: false },
} as const

process.exit(await main())

async function main(): Promise<number> {
  const parsed = parsedArguments()
  if (typeof parsed === 'string') {
    process.stderr.write(`attack: ${parsed}\n\n${help}`)
    return 2
  }
  const { values, positionals } = parsed
  if (values.help) {
    process.stdout.write(help)
    return 0
  }
  const matching = attacks.filter(
    ({ id, power }) => positionals.length === 0 || positionals.some(word => id.includes(word) || power.includes(word)),
  )
  if (values.list) {
    process.stdout.write(docsTable(matching))
    return 0
  }
  if (matching.length === 0) {
    process.stderr.write(`attack: expected the ID of an attack or a part of it, got ${positionals.join(' ')}\n`)
    return 2
  }
  const say = (line: string) => void (values.json ? process.stderr : process.stdout).write(`${line}\n`)
  const before = heapBytes()
  const outcomes = await runAttacks(matching, Number(values.width), outcome => say(rowOf(outcome))).finally(() =>
    DaemonScene.end(),
  )
  // A filter asks for those attacks; the fuzzer is no part of them.
  const seconds = positionals.length === 0 ? Number(values['fuzz-seconds']) : 0
  const seed = values.seed === undefined ? Date.now() % 2 ** 31 : Number(values.seed)
  const fuzzed = seconds > 0 ? await fuzzAll({ seconds, seed, keep: values.keep }, say) : []
  const totals: Totals = { outcomes, fuzzed, seed, heapGrowthBytes: heapBytes() - before }
  const { text, json, held } = summaryOf(totals)
  if (values.json) process.stdout.write(`${JSON.stringify(json)}\n`)
  else process.stdout.write(`\n${text}\n`)
  return held ? 0 : 1
}

function parsedArguments() {
  try {
    const parsed = parseArgs({ options, allowPositionals: true })
    const { 'fuzz-seconds': seconds, seed = '0', width } = parsed.values
    if (![seconds, seed].every(text => /^\d+$/.test(text)) || !/^[1-9]\d?$/.test(width)) {
      return 'expected whole numbers for --fuzz-seconds, --seed and --width'
    }
    return parsed
  } catch (thrown) {
    return messageOf(thrown)
  }
}
