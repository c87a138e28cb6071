/** Fuzzes every decoder, or those of some name, for a share of the time. */

import { allTargets, corpusOf, keep } from '../../../test/attack/fuzz/corpus.ts'
import { type Fuzzed, fuzz } from '../../../test/attack/fuzz/fuzz.ts'

export async function fuzzAll(
  init: { seconds: number; seed: number; keep: boolean; named: string },
  say: (line: string) => void,
): Promise<Fuzzed[]> {
  const targets = (await allTargets()).filter(({ name }) => name.includes(init.named))
  const all: Fuzzed[] = []
  for (const target of targets) {
    const milliseconds = (init.seconds * 1000) / targets.length
    const fuzzed = await fuzz(target, { seed: init.seed, milliseconds, corpus: await corpusOf(target) })
    all.push(fuzzed)
    const kept = init.keep ? await keep(target, fuzzed.interesting) : 0
    const crashes = fuzzed.crashes.length === 0 ? 'no crash' : `${fuzzed.crashes.length} CRASHES`
    say(
      `fuzzed    ${target.name}: ${fuzzed.inputs} inputs, ${fuzzed.taken} taken, ${crashes}${kept ? `, ${kept} kept` : ''}`,
    )
    for (const { reason, input } of fuzzed.crashes) say(`          ${reason}: ${Buffer.from(input).toString('base64')}`)
  }
  return all
}
