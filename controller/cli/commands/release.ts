/** The end of every command that makes a release: order it, wait for the others' signatures, and watch it. */

import type { OrderOptions } from '../../api/orders.ts'
import { releaseName } from '../../format/release-name.ts'
import type { Access } from '../shell/access.ts'
import { untilLeft } from '../shell/leaving.ts'
import { watchSeconds } from '../shell/limits.ts'
import type { WatchOptions } from '../shell/options.ts'
import { exitCodes, note, print } from '../shell/output.ts'
import { watch } from '../shell/watch.ts'

export type ReleaseOptions = WatchOptions & { site?: string }

type Making = 'deploy' | 'rollback' | 'promote'
/** What belongs to one of them alone. */
type OwnOptions<Name extends Making> = Omit<OrderOptions<Name>, 'site' | 'message' | 'waitFor' | 'trustClock'>

/** Signs and publishes or proposes; then waits for the devices, and before that for approval. Gives the exit code. */
export async function release<Name extends Making>(
  access: Access,
  name: Name,
  own: OwnOptions<Name>,
  options: ReleaseOptions,
): Promise<number> {
  const { site, message, waitFor, trustClock } = options
  const common = { site, message, waitFor, trustClock: trustClock === true }
  const made = await access.order(name, { ...own, ...common } as unknown as OrderOptions<Name>)
  if (made === undefined) return exitCodes.done
  const { release: version, published, proposal } = made
  if (published) return await watch(access, { version, site }, options)
  const called = releaseName({ site, version })
  if (options.wait && (await approval(access, proposal ?? '', version, options))) {
    note(options, `Release ${called} has all its signatures and is published.`)
    return await watch(access, { version, site }, options)
  }
  const heard = (await access.order('spread', {}))?.heard === true
  const rest = heard
    ? 'Others have it; its closures come from here, so run `thymesh status` after the approval.'
    : 'No other peer has it yet.'
  print(
    options,
    { release: version, ...(site && { site }), proposal, complete: false, heard },
    `Release ${called} waits for approval. ${rest}`,
  )
  return options.wait ? exitCodes.incomplete : exitCodes.done
}

/** Waits until a proposal is published, the time is over or the operator leaves; resolves to whether it is published. */
async function approval(access: Access, id: string, version: number, options: ReleaseOptions): Promise<boolean> {
  const { site = null } = options
  const told = new Set<string>()
  const timeout = AbortSignal.timeout((options.timeout ?? watchSeconds) * 1000)
  return await untilLeft(async left => {
    const signal = AbortSignal.any([left, timeout])
    const changes = await access.changes(signal)
    for (;;) {
      const { proposals } = await access.ask('proposals', {}, 0)
      for (const { operator, verdict, message } of proposals.find(each => each.id === id)?.statements ?? []) {
        const line = `  ${verdict} by ${operator}${message && `: ${message}`}`
        if (verdict !== 'proposed' && !told.has(line)) note(options, line)
        told.add(line)
      }
      const { newest } = await access.ask('status', {}, 0)
      const current = newest.find(each => each.site === site)?.version ?? 0
      if (current >= version) return current === version
      if (signal.aborted) return false
      await changes.next()
    }
  })
}
