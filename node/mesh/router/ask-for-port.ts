/** Asks the router for a port, in each way that it may understand until one succeeds. */

import { type Mapper, type Mapping, mappers, RouterError, type Wish } from './asked.ts'
import { mapByNatPmp } from './nat-pmp.ts'
import { mapByPcp } from './pcp.ts'
import type { Router } from './router.ts'
import { mapByUpnp } from './upnp.ts'

const ways: Record<Mapper, (router: Router, wish: Wish, signal: AbortSignal) => Promise<Mapping>> = {
  PCP: mapByPcp,
  'NAT-PMP': mapByNatPmp,
  UPnP: mapByUpnp,
}

/**
 * Rejects with a RouterError: `absent` if the router answers in no way, else what the first one failed with that it
 * answered in. `first` is the way that worked before: the router must not keep a second mapping of another way.
 */
export async function askForPort(
  router: Router,
  { first, ...wish }: Wish & { first?: Mapper | undefined },
  signal: AbortSignal,
): Promise<Mapping> {
  const order = first === undefined ? mappers : [first, ...mappers.filter(each => each !== first)]
  let failure: RouterError | undefined
  for (const by of order) {
    try {
      return await ways[by](router, wish, signal)
    } catch (thrown) {
      signal.throwIfAborted()
      if (!(thrown instanceof RouterError)) throw thrown
      if (failure === undefined || failure.code === 'absent') failure = thrown
    }
  }
  if (failure?.code !== 'absent') throw failure
  throw new RouterError('absent', `the router doesn't answer by ${mappers.join(', ')}`)
}
