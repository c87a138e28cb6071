/** `rebuild`: the same system with libc built once more, so that nearly every hash changes and nothing else does. */

import type { Bench } from '../bench.ts'
import type { Result } from '../result.ts'
import { countedOnTheCable, updateBytes } from '../update-bytes.ts'

export async function rebuild(bench: Bench): Promise<Result> {
  const { v1, rebuilt } = await bench.systems()
  const { freshPaths, wire, chunkBytes, update } = await updateBytes(bench, v1, rebuilt)
  const perPath = wire.received / freshPaths
  return {
    case: 'rebuild',
    bounds: [
      { what: 'bytes received for each path of a rebuild', figure: perPath, unit: 'B', goal: 250 },
      { what: 'of them bytes of chunks, together', figure: chunkBytes, unit: 'B', goal: 0 },
    ],
    peers: {},
    detail: {
      freshPaths,
      wire,
      descriptorBytes: update.published.descriptorBytes,
      seconds: update.seconds,
      report: update.report.update,
      counted: countedOnTheCable,
    },
  }
}
