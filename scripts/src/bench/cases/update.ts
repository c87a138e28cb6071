/** `update` and `update-desktop`: a real update of packages, beside a zstd binary cache and beside plain content-defined chunks. */

import { arena, type Bench } from '../bench.ts'
import { binaryCache } from '../binary-cache.ts'
import { serve } from '../nginx.ts'
import { nixFetch, nixPreload } from '../nix-fetch.ts'
import { between, endOf, switchOf } from '../place.ts'
import { plainChunkCost } from '../recipes.ts'
import type { Result } from '../result.ts'
import { buildDesktopSystems, type UpdateSystems } from '../systems.ts'
import { countedOnTheCable, updateBytes } from '../update-bytes.ts'

/** Of what a binary cache sends: without a browser, and with one. */
const goal = 0.07
const desktopGoal = 0.12

export async function update(bench: Bench): Promise<Result> {
  return await measure(bench, 'update', await bench.systems(), goal)
}

/** With a browser, which is a single program of 300 MB and gets an update every week. */
export async function updateDesktop(bench: Bench): Promise<Result> {
  const systems = await buildDesktopSystems(line => bench.say(`  ${line}`))
  return await measure(bench, 'update-desktop', systems, desktopGoal)
}

async function measure(bench: Bench, name: string, systems: UpdateSystems, goal: number): Promise<Result> {
  const { v1, v2, updated } = systems
  const ours = await updateBytes(bench, v1, v2)
  const cache = await fromCache(bench, systems)
  const plain = await plainChunkCost(v1.topLevel, v2.topLevel)
  return {
    case: name,
    bounds: [
      {
        what: `bytes received for an update of ${updated} packages, ≤ ${goal} × a zstd cache`,
        figure: ours.wire.received / 1e6,
        unit: 'MB',
        goal: (goal * cache.received) / 1e6,
      },
    ],
    peers: { 'zstd cache': cache.received / 1e6, 'plain chunks, zstd': plain.zstd / 1e6 },
    detail: {
      freshPaths: ours.freshPaths,
      ratio: ours.wire.received / cache.received,
      wire: ours.wire,
      seconds: ours.update.seconds,
      report: ours.update.report.update,
      cache,
      plainChunks: plain,
      counted: `${countedOnTheCable}; of nix copy on the same kind of cable; of plain chunks their sizes alone`,
    },
  }
}

/** The same with `nix copy` from nginx, into a store that has the old system. */
function fromCache(
  bench: Bench,
  { v1, v2 }: UpdateSystems,
): Promise<{ received: number; sent: number; seconds: number }> {
  return bench.with(async stack => {
    const { network, scratch } = await arena(stack)
    const place = endOf(await network.attach())
    const to = await scratch.folder('store')
    await nixPreload(v1, scratch, to)
    const { url } = await serve(stack, scratch, switchOf(network), await binaryCache(v2, 'zstd'))
    const before = await place.counters()
    const { seconds } = await nixFetch(v2, 'copy', { scratch, place, from: url, to })
    bench.say(`  the cache took ${seconds.toFixed(1)} s`)
    return { ...between(before, await place.counters()), seconds }
  })
}
