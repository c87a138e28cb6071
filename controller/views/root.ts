/** The fleet's root as text: a line for each role, then the Nix keys. */

import type { RootDetails } from '../api/schemas/trust.ts'
import { shortId, table } from '../format/table.ts'

export function rootText({ version, name, created, expires, roles, nixPublicKeys }: RootDetails): string {
  const lines = Object.entries(roles).map(([role, { threshold, keys }]) => [
    role,
    `${threshold} of ${keys.length}`,
    keys.map(({ id, operator }) => `${operator ?? 'unnamed'} (${shortId(id)})`).join(', '),
  ])
  return [
    `Root ${version} of fleet ${name}${created === null ? '' : `, made on ${created}`}; expires ${expires}`,
    '',
    table(['ROLE', 'SIGNATURES', 'KEYS'], lines),
    '',
    ...nixPublicKeys.map(key => `Nix key ${key}`),
  ].join('\n')
}
