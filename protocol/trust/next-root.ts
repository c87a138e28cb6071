/** Builds the next root: adds and removes operators' keys, changes thresholds, renews the expiry. It signs nothing. */

import type { Root } from '@tufjs/models'
import { timeText } from '../encoding/fields.ts'
import { toHex } from '../encoding/hash.ts'
import { ThymeshError } from '../errors.ts'
import { keyIdOf, type PublicKey } from '../signing/keys.ts'
import { fleetFields, nixKeyId, type RoleName, roleNames } from './fleet.ts'
import { makeRoot, type RoleKeys } from './metadata.ts'
import { lifetimes } from './publish.ts'
import { membersOf, roleOf } from './role-keys.ts'
import type { RootFields } from './root-fields.ts'
import type { TrustedSet } from './trusted-set.ts'

export class NextRootError extends ThymeshError<'unknown-operator' | 'threshold' | 'nothing-changes'> {}

export interface NewOperator {
  readonly name: string
  readonly keys: Readonly<Record<RoleName, PublicKey>>
  /** A Nix public key in Nix's text form. */
  readonly nix: string
}

export interface RootChanges {
  /** New operators, or new keys for known ones, which replace all keys of that operator. */
  readonly add: readonly NewOperator[]
  /** Names of operators. */
  readonly remove: readonly string[]
  readonly thresholds: Readonly<Partial<Record<RoleName, number>>>
  /** Names of Nix keys to remove. */
  readonly dropNixKeys: readonly string[]
  /** Nix keys of a site's own operators; they replace the previous ones, and an empty list removes them. */
  readonly siteNixKeys?: Readonly<Record<string, readonly string[]>>
}

/** Throws a NextRootError if an operator is unknown or a threshold can't be met. */
export function nextRoot(trusted: TrustedSet, changes: RootChanges, now: Date): Root {
  const { root } = trusted
  const fields = fleetFields(root)
  const operators = new Map(Object.entries(fields.operators ?? {}))
  const gone = new Set<string>()
  for (const name of [...changes.remove, ...changes.add.map(({ name }) => name)]) {
    const ids = operators.get(name)
    if (ids === undefined && changes.remove.includes(name)) throw unknownOperator(name, [...operators.keys()])
    for (const id of ids ?? []) gone.add(id)
    operators.delete(name)
  }
  const roles = Object.fromEntries(
    roleNames.map(role => {
      const before = role === 'members' ? membersOf(root, trusted) : roleOf(root, role)
      const stay = before.keys.filter(key => !gone.has(keyIdOf(key)))
      const keys = unique([...stay, ...changes.add.map(operator => operator.keys[role])])
      return [role, checked(role, { keys, threshold: changes.thresholds[role] ?? before.threshold })]
    }),
  ) as Record<RoleName, RoleKeys>
  const nixKeys = fields.nixPublicKeys.filter(
    key => !gone.has(nixKeyId(key)) && !changes.dropNixKeys.includes(key.split(':')[0] ?? ''),
  )
  for (const { name, keys, nix } of changes.add) {
    operators.set(name, [...roleNames.map(role => keyIdOf(keys[role])), nixKeyId(nix)])
    if (!nixKeys.includes(nix)) nixKeys.push(nix)
  }
  if (nixKeys.length === 0) throw new NextRootError('threshold', 'expected at least one Nix key to stay')
  return makeRoot({
    version: root.signed.version + 1,
    expires: timeText(new Date(now.getTime() + lifetimes.root * 86_400_000)),
    roles: { root: roles.root, targets: roles.targets, snapshot: roles.snapshot, timestamp: roles.timestamp },
    thymesh: {
      name: fields.name,
      nixPublicKeys: nixKeys,
      members: { keys: roles.members.keys.map(toHex), threshold: roles.members.threshold },
      operators: Object.fromEntries(operators),
      created: timeText(now),
      ...siteKeysOf(fields, changes.siteNixKeys ?? {}),
    },
  })
}

function siteKeysOf(
  { siteNixKeys = {} }: RootFields,
  changes: Readonly<Record<string, readonly string[]>>,
): Pick<RootFields, 'siteNixKeys'> {
  const all = Object.entries({ ...siteNixKeys, ...changes }).filter(([, keys]) => keys.length > 0)
  return all.length === 0 ? {} : { siteNixKeys: Object.fromEntries(all.map(([site, keys]) => [site, [...keys]])) }
}

function checked(role: RoleName, { keys, threshold }: RoleKeys): RoleKeys {
  if (threshold > keys.length) {
    throw new NextRootError('threshold', `expected at least ${threshold} keys for ${role}, got ${keys.length}`, {
      hint: 'Add operators with --add, or lower the threshold with --threshold.',
    })
  }
  // The operator with the last signature publishes, and that needs a snapshot and a timestamp at once.
  if ((role === 'snapshot' || role === 'timestamp') && threshold > 1) {
    throw new NextRootError('threshold', `expected a threshold of 1 for ${role}, got ${threshold}`, {
      hint: 'root and targets decide what runs; snapshot and timestamp only say which version is the newest.',
    })
  }
  return { keys, threshold }
}

function unique(keys: readonly PublicKey[]): PublicKey[] {
  return [...new Map(keys.map(key => [toHex(key), key])).values()]
}

function unknownOperator(name: string, known: string[]): NextRootError {
  return new NextRootError('unknown-operator', `expected an operator of the fleet, got ${name}`, {
    hint: `Its operators: ${known.join(', ') || 'none has a name'}. \`thymesh root show\` shows their keys.`,
  })
}
