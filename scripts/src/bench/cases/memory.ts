/** `memory`: the most that a device's daemon had resident while it fetched a whole system. */

import type { Bench } from '../bench.ts'
import { coldFetch } from '../cold-fetch.ts'
import type { Result } from '../result.ts'

export async function memory(bench: Bench): Promise<Result> {
  const { peakBytes, seconds } = await coldFetch(bench)
  return {
    case: 'memory',
    bounds: [{ what: 'peak RSS of the daemon in a cold fetch', figure: peakBytes / 1e6, unit: 'MB', goal: 160 }],
    peers: {},
    detail: { seconds, node: bench.node, counted: 'VmHWM of the daemon, without its Nix daemons' },
  }
}
