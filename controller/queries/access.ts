/** The answer of `thymesh access list`: each grant, and the known devices on which it counts now. */

import { type AccessGrant, accessOf, grantsFor, isLive } from '../../protocol/release/access.ts'
import { sshFingerprint } from '../../protocol/release/ssh-key.ts'
import type { GrantRow } from '../api/schemas/access.ts'
import type { Session } from '../session/session.ts'
import { acceptedOf } from '../signing/proposing.ts'

export async function queryAccess({ peer }: Session): Promise<{ grants: GrantRow[] }> {
  const accepted = acceptedOf(peer)
  const now = new Date()
  const devices = peer.directory.certificates().filter(({ role }) => role === 'device')
  const places = devices.map(device => ({ device, grants: new Set(grantsFor(accepted, device, now).map(keyOf)) }))
  const rows = (grants: readonly AccessGrant[], signedBy: string | null) =>
    grants.map(grant => {
      const counts = places.filter(({ grants }) => grants.has(keyOf(grant))).map(({ device }) => device.name)
      return rowOf(grant, signedBy, !isLive(grant, now), [...new Set(counts)].sort())
    })
  const ofSites = [...accepted.sites].flatMap(([site, release]) => rows(accessOf(release), site))
  return { grants: [...rows(accessOf(accepted.release), null), ...ofSites] }
}

/** Grants of the fleet and of a site may have one ID. */
function keyOf(grant: AccessGrant): string {
  return JSON.stringify(grant)
}

function rowOf(grant: AccessGrant, signedBy: string | null, expired: boolean, counts: string[]): GrantRow {
  const { id, operator, keys, devices = [], tags = [], sites = [], users, may, record = false, until = null } = grant
  return {
    ...{ id, signedBy, operator, devices, tags, sites, users, may, record, until, expired, counts },
    keys: keys.map(key => ({ type: key.split(' ')[0] ?? '', fingerprint: sshFingerprint(key) })),
  }
}
