/** An index of verified closure descriptors by hash part: paths that can be fetched. */
import { type Closure, referencesOf } from '../../../protocol/closure/closure.ts'
import { treeAddress } from '../../../protocol/nix/content-address.ts'
import { parseStorePath } from '../../../protocol/nix/store-path.ts'
import type { PathInfo } from '../path-info.ts'

/** An index that refers to the closures, so that it needs little memory of its own. */
export class DescribedPaths {
  readonly #places = new Map<string, { closure: Closure; place: number }>()

  /** Adds the paths of a closure that a verified release names. If two contain the same path, the later one wins. */
  add(closure: Closure): void {
    for (const [place, { path }] of closure.paths.entries()) {
      this.#places.set(parseStorePath(path).hashPart, { closure, place })
    }
  }

  /** Clears the index: when closures are dropped, add the remaining ones again. */
  clear(): void {
    this.#places.clear()
  }

  /** A path's info from its descriptor. */
  get(hashPart: string): PathInfo | undefined {
    const { closure, place } = this.#places.get(hashPart) ?? {}
    const described = place === undefined ? undefined : closure?.paths[place]
    if (closure === undefined || described === undefined) return undefined
    const { path, narHash, narSize, signatures } = described
    const signed = { path, narHash, narSize, references: referencesOf(closure, described).sort() }
    const contentAddress = treeAddress(signed)
    return { ...signed, signatures, ...(contentAddress && { contentAddress }) }
  }
}
