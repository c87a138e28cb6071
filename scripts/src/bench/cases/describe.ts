/** `describe`: the recipes of a whole new closure, as a deploy makes them, beside Nix hashing the same paths. */

import { output } from '../apt.ts'
import type { Bench } from '../bench.ts'
import { coldFetch } from '../cold-fetch.ts'
import type { Result } from '../result.ts'

export async function describe(bench: Bench): Promise<Result> {
  const { v1 } = await bench.systems()
  const { published } = await coldFetch(bench)
  const start = performance.now()
  await output('nix-store', ['--verify-path', ...v1.paths])
  const verified = (performance.now() - start) / 1000
  const figure = published.describeSeconds
  return {
    case: 'describe',
    bounds: [{ what: 'a new closure of 708 MB described', figure, unit: 's', goal: 3 }],
    peers: { 'nix-store --verify-path': verified },
    detail: { paths: v1.paths.length, narBytes: v1.narSize, counted: 'recipes, stamps, signatures and the descriptor' },
  }
}
