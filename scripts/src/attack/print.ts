/** What `scripts/attack` prints: a row an attack, the counts, the same as JSON, and the table of the docs. */

import { type Attack, docsHead, docsRow } from '../../../test/attack/attack.ts'
import type { Fuzzed } from '../../../test/attack/fuzz/fuzz.ts'
import type { Outcome } from '../../../test/attack/run.ts'

export interface Totals {
  outcomes: readonly Outcome[]
  fuzzed: readonly Fuzzed[]
  seed: number
  /** Of this process, in which attackers and most victims live, after collection. */
  heapGrowthBytes: number
}

export function rowOf({ attack, held, reason, milliseconds }: Outcome): string {
  const { id, power, tried, expected } = attack
  const came = held ? expected : `expected: ${expected}; but ${reason}`
  return `${held ? 'held    ' : 'NOT HELD'}  ${id}  [${power}]  ${tried} → ${came}  (${milliseconds} ms)`
}

export function docsTable(attacks: readonly Attack[]): string {
  return `${[...docsHead, ...attacks.map(docsRow)].join('\n')}\n`
}

export function summaryOf({ outcomes, fuzzed, seed, heapGrowthBytes }: Totals) {
  const heldCount = outcomes.filter(({ held }) => held).length
  const inputs = fuzzed.reduce((sum, each) => sum + each.inputs, 0)
  const crashes = fuzzed.flatMap(each => each.crashes)
  const held = heldCount === outcomes.length && crashes.length === 0
  const text = [
    `attacks tried ${outcomes.length}, held ${heldCount}`,
    `decoders fuzzed ${fuzzed.length}, inputs ${inputs}, crashes ${crashes.length}, seed ${seed}`,
    `memory growth ${(heapGrowthBytes / 1e6).toFixed(1)} MB`,
  ].join('\n')
  const json = {
    attacks: outcomes.map(({ attack, held, reason, milliseconds }) => ({
      id: attack.id,
      power: attack.power,
      tried: attack.tried,
      expected: attack.expected,
      held,
      ...(reason !== undefined && { reason }),
      milliseconds,
    })),
    tried: outcomes.length,
    held: heldCount,
    fuzz: {
      decoders: fuzzed.length,
      inputs,
      seed,
      crashes: crashes.map(({ target, reason, input }) => ({
        target,
        reason,
        input: Buffer.from(input).toString('base64'),
      })),
    },
    memoryGrowthBytes: heapGrowthBytes,
  }
  return { text, json, held }
}
