/**
 * Owners of a proposed root's keys: each new key has exactly one listed operator, and no operator has two in one
 * role.
 */

import { keyIdOf } from '../signing/keys.ts'
import { fleetFields, roleNames } from './fleet.ts'
import type { Loaded, RoleKeys } from './metadata.ts'

/** The keys of a role in a root. */
export type RoleKeysOf = (root: Loaded<'root'>, role: (typeof roleNames)[number]) => RoleKeys

/**
 * A description of what is wrong with the owners of a proposed root's keys; undefined if nothing. Thresholds count
 * keys, so an operator with two of them would count twice, and an unlisted key for anyone who holds it. Keys that the
 * trusted root has already may be unlisted, since fleets of early versions list no operators.
 */
export function ownerProblem(trusted: Loaded<'root'>, next: Loaded<'root'>, keysOf: RoleKeysOf): string | undefined {
  const { operators = {} } = fleetFields(next)
  for (const role of roleNames) {
    const known = new Set(keysOf(trusted, role).keys.map(keyIdOf))
    const counted = new Set<string>()
    for (const id of keysOf(next, role).keys.map(keyIdOf)) {
      const owners = Object.entries(operators).filter(([, ids]) => ids.includes(id))
      const [name] = owners[0] ?? []
      if (owners.length > 1) return `${role} key ${id} is listed for ${owners.map(([each]) => each).join(' and ')}`
      if (name === undefined && known.has(id)) continue
      if (name === undefined) return `no listed operator has the ${role} key ${id}`
      if (counted.has(name)) return `${name} has two keys in the role ${role}`
      counted.add(name)
    }
  }
  return undefined
}
