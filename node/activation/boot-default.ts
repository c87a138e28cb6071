/** Which top level the next boot brings: the portable target's link, or what NixOS's boot loader has as its default. */

import { readlink } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import type { Target } from '../../protocol/encoding/fields.ts'
import { isStorePath } from '../../protocol/nix/store-path.ts'
import { loaderDefault } from './boot-loaders.ts'

const nixosProfile = 'nix/var/nix/profiles/system'

/** Asks below a root, which is `/` on a device. */
export async function bootDefault(target: Target, root: string): Promise<string | undefined> {
  if (target === 'portable') return await storeLink(join(root, 'etc/thymesh/boot'))
  // The loader decides: after a failed boot it may start another generation than the profile names.
  return (await loaderDefault(root)) ?? (await storeLink(join(root, nixosProfile)))
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
