/** Which top level the next boot brings: the portable target's link, or what NixOS's boot loader has as its default. */

import { readFile, readlink } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import type { Target } from '../../protocol/encoding/fields.ts'
import { isStorePath } from '../../protocol/nix/store-path.ts'

const nixosProfiles = '/nix/var/nix/profiles'

/** Asks below a root, which is `/` on a device. */
export async function bootDefault(target: Target, root: string): Promise<string | undefined> {
  if (target === 'portable') return await storeLink(join(root, 'etc/thymesh/boot'))
  const generation = (await systemdBootGeneration(root)) ?? 'system'
  return await storeLink(join(root, nixosProfiles, generation))
}

/** systemd-boot's `default nixos-generation-7.conf`; other loaders boot what the profile names. */
async function systemdBootGeneration(root: string): Promise<string | undefined> {
  for (const place of ['boot/loader/loader.conf', 'efi/loader/loader.conf', 'boot/efi/loader/loader.conf']) {
    const text = await readFile(join(root, place), 'utf8').catch(() => '')
    const number = /^default\s+nixos-generation-([0-9]+)[^\s/]*\.conf\s*$/m.exec(text)?.[1]
    if (number !== undefined) return `system-${number}-link`
  }
  return undefined
}

/** Follows links until one names a store path: a profile is a link to a generation, which is a link to the store. */
export async function storeLink(path: string): Promise<string | undefined> {
  let at = path
  for (let hops = 0; hops < 5; hops++) {
    const target = await readlink(at).catch(() => undefined)
    if (target === undefined || isStorePath(target)) return target
    at = resolve(at, '..', target)
  }
  return undefined
}
