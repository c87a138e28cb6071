/** The extension of a release that names the fleet's hubs: relays that its members stay connected to. */

import { z } from 'zod'
import { nameSchema } from '../encoding/fields.ts'
import { limits } from '../limits.ts'
import type { Release, ReleaseExtensions } from './release.ts'

const hubsExtension = 'hubs'

const addressesSchema = z.array(z.string().max(200)).max(limits.hubAddresses)
const hubsSchema = z
  .record(nameSchema, addressesSchema)
  .refine(hubs => Object.keys(hubs).length <= limits.hubs, { error: `expected at most ${limits.hubs} hubs` })

/** Multiaddrs by the name of the hub; those that a peer finds out itself count beside them. */
export type Hubs = Readonly<Record<string, readonly string[]>>

/** The hubs that a release names; undefined if it names none, or in a form that this version doesn't understand. */
export function hubsOf({ extensions }: Pick<Release, 'extensions'>): Hubs | undefined {
  const said = extensions?.values[hubsExtension]
  return said === undefined ? undefined : hubsSchema.safeParse(said).data
}

/** Extensions with these hubs: a device is no less safe if it doesn't understand them. */
export function withHubs(extensions: ReleaseExtensions | undefined, hubs: Hubs): ReleaseExtensions | undefined {
  const { [hubsExtension]: _, ...values } = extensions?.values ?? {}
  const said = Object.fromEntries(Object.entries(hubs).map(([name, addresses]) => [name, [...addresses]]))
  const named = Object.keys(hubs).length > 0 && { [hubsExtension]: said }
  if (extensions === undefined && named === false) return undefined
  return { values: { ...values, ...named }, critical: extensions?.critical ?? [] }
}
