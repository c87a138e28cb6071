/** The daemon's unit in packages. */

import { readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'

const nix = resolve(import.meta.dirname, '../../../nix')

/** For a program below this prefix; hardened as on NixOS. The unit of a release is the same (nix/modules/thymesh/daemon.nix). */
export async function unitFile(prefix: string): Promise<string> {
  const [template, hardening] = await Promise.all(
    ['thymesh.service', 'node-hardening.json'].map(name => readFile(join(nix, name), 'utf8')),
  )
  const lines = Object.entries(JSON.parse(hardening ?? '') as Record<string, boolean | string | string[]>).map(
    ([name, value]) => `${name}=${Array.isArray(value) ? value.join(' ') : value === true ? 'yes' : value}`,
  )
  return String(template).replace('@PROGRAM@', `${prefix}/bin/thymesh`).replace('@HARDENING@', lines.join('\n'))
}
