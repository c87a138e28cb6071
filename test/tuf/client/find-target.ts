/** Which role vouches for a target file: the search through delegations (specification §5.6.7). */

import type { TargetFile, Targets } from '@tufjs/models'
import { limits } from '../../../protocol/limits.ts'
import type { Loaded } from '../../../protocol/trust/metadata.ts'
import { type AcceptedRole, delegatedRole, type MetadataFetcher, refreshRole } from '../../../protocol/trust/refresh.ts'
import type { ReferenceTime, TrustedSet } from '../../../protocol/trust/trusted-set.ts'

export interface FoundTarget {
  /** Nothing where no role that may speak for the path names it. */
  readonly file: TargetFile | undefined
  /** With the roles that the search passed. */
  readonly trusted: TrustedSet
}

interface Visit {
  readonly role: string
  /** The delegating role on this way; the same role may be reached on another one, by other keys. */
  readonly delegator: Loaded<'targets'> | undefined
}

/**
 * Searches a refreshed set, depth first, in the order of the delegations: the first role that names the path has the say. A
 * terminating delegation ends the search below it. Visits at most `limits.delegations` roles.
 */
export async function findTarget(
  trusted: TrustedSet,
  path: string,
  from: MetadataFetcher,
  time: ReferenceTime,
  accepted: AcceptedRole = async () => {},
): Promise<FoundTarget> {
  let set = trusted
  const toVisit: Visit[] = [{ role: 'targets', delegator: undefined }]
  const visited = new Set<string>()
  for (let visit = toVisit.pop(); visit !== undefined && visited.size < limits.delegations; visit = toVisit.pop()) {
    const { role, delegator } = visit
    if (visited.has(role)) continue
    visited.add(role)
    if (role !== 'targets') {
      // A role that the snapshot doesn't list is not there for anyone.
      if (set.snapshot?.signed.meta[`${role}.json`] === undefined) continue
      set = await refreshRole(set, role, from, time, accepted, delegator)
    }
    const loaded = role === 'targets' ? set.targets : delegatedRole(set, role)
    if (loaded === undefined) continue
    const file = Object.hasOwn(loaded.signed.targets, path) ? loaded.signed.targets[path] : undefined
    if (file !== undefined) return { file, trusted: set }
    const { roles, terminates } = rolesFor(loaded, path)
    if (terminates) toVisit.length = 0
    toVisit.push(...roles.toReversed().map(next => ({ role: next, delegator: loaded })))
  }
  return { file: undefined, trusted: set }
}

/** The roles that a role delegates the path to, in its order; none after a terminating one. */
function rolesFor({ signed, bytes }: Loaded<'targets'>, path: string): { roles: string[]; terminates: boolean } {
  const { delegations } = signed
  if (delegations?.succinctRoles !== undefined) {
    return { roles: [delegations.succinctRoles.getRoleForTarget(path)], terminates: true }
  }
  const roles: string[] = []
  for (const role of inOrder(Object.values(delegations?.roles ?? {}), bytes)) {
    if (!role.isDelegatedPath(path)) continue
    roles.push(role.name)
    if (role.terminating) return { roles, terminates: true }
  }
  return { roles, terminates: false }
}

type DelegatedRole = NonNullable<NonNullable<Targets['delegations']>['roles']>[string]

/** The models keep roles in an object, which puts names such as 10 in front; the order of the document is what counts. */
function inOrder(roles: DelegatedRole[], bytes: Uint8Array): DelegatedRole[] {
  if (!roles.some(({ name }) => /^\d+$/.test(name))) return roles
  const json = JSON.parse(Buffer.from(bytes).toString()) as { signed: { delegations: { roles: { name: string }[] } } }
  const names = json.signed.delegations.roles.map(({ name }) => name)
  return roles.toSorted((a, b) => names.indexOf(a.name) - names.indexOf(b.name))
}
