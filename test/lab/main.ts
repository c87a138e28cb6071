/** `scripts/lab`: runs scenarios on real machines, and says how each fault ended. */

import { argumentsOf, wrongUse } from '../../scripts/src/arguments.ts'
import { labSkip } from './needs.ts'
import { scenarios } from './scenarios/index.ts'
import { runScenario, type Trial } from './scenarios/scenario.ts'

const { values, positionals } = argumentsOf('lab', {
  allowPositionals: true,
  options: { json: { type: 'boolean', default: false }, list: { type: 'boolean', default: false } },
})

/** A table's line for each fault: how often it was tried, how often it ended as it should. */
function summary(trials: readonly Trial[]): { scenario: string; fault: string; tried: number; held: number }[] {
  const rows = new Map<string, { scenario: string; fault: string; tried: number; held: number }>()
  for (const { scenario, fault, held } of trials) {
    const row = rows.get(`${scenario}/${fault}`) ?? { scenario, fault, tried: 0, held: 0 }
    rows.set(`${scenario}/${fault}`, { ...row, tried: row.tried + 1, held: row.held + (held ? 1 : 0) })
  }
  return [...rows.values()]
}

async function main(): Promise<number> {
  if (values.list) {
    for (const { name, title } of scenarios) process.stdout.write(`${name.padEnd(16)} ${title}\n`)
    return 0
  }
  const unknown = positionals.find(name => !scenarios.some(scenario => scenario.name === name))
  if (unknown !== undefined) {
    const known = scenarios.map(({ name }) => name).join(', ')
    wrongUse('lab', `expected a scenario (${known}), got ${unknown}`)
  }
  const skip = labSkip()
  if (skip !== false) {
    process.stderr.write(`lab: ${skip}\n`)
    return 1
  }
  const chosen = scenarios.filter(({ name }) => positionals.length === 0 || positionals.includes(name))
  const trials: Trial[] = []
  for (const scenario of chosen) {
    if (!values.json) process.stderr.write(`== ${scenario.name}: ${scenario.title}\n`)
    const onTrial = ({ fault, held, reason, note, seconds }: Trial) => {
      if (values.json) return
      const measured = note === undefined ? '' : `: ${note}`
      const why = reason === undefined ? '' : `${reason}\n`
      process.stderr.write(`${held ? '  held  ' : '  FAILED'} ${fault} (${seconds} s)${measured}\n${why}`)
    }
    trials.push(...(await runScenario(scenario, onTrial)))
  }
  const held = trials.filter(trial => trial.held).length
  const result = { tried: trials.length, held, faults: summary(trials), trials }
  process.stdout.write(values.json ? `${JSON.stringify(result)}\n` : tableOf(result.faults))
  return held === trials.length ? 0 : 1
}

function tableOf(rows: ReturnType<typeof summary>): string {
  const cells = rows.map(({ scenario, fault, tried, held }) => [scenario, fault, String(tried), String(held)])
  const all = [['SCENARIO', 'FAULT', 'TRIED', 'ENDED AS IT SHOULD'], ...cells]
  const widths = [0, 1, 2, 3].map(column => Math.max(...all.map(row => row[column]?.length ?? 0)))
  const line = (row: string[]) => row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ')
  return `${all.map(row => line(row).trimEnd()).join('\n')}\n`
}

process.exitCode = await main()
