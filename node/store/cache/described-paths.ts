/** The paths of verified closure descriptors by their hash part: what can be fetched though it is not in the store. */
import { type Closure, referencesOf } from '../../../protocol/closure/closure.ts'
import { parseStorePath } from '../../../protocol/nix/store-path.ts'
import type { PathInfo } from '../path-info.ts'

/** An index over closures; they are kept as they are, so that it costs little more than they do. */
export class DescribedPaths {
  readonly #places = new Map<string, { closure: Closure; place: number }>()

  /** Adds the paths of a closure that a verified release names; of two that name one path, the later one counts. */
  add(closure: Closure): void {
    for (const [place, { path }] of closure.paths.entries()) {
      this.#places.set(parseStorePath(path).hashPart, { closure, place })
    }
  }

  /** Forgets all that came before: for when closures are dropped, add again what is left. */
  clear(): void {
    this.#places.clear()
  }

  /** What the descriptor says of a path. */
  get(hashPart: string): PathInfo | undefined {
    const { closure, place } = this.#places.get(hashPart) ?? {}
    const described = place === undefined ? undefined : closure?.paths[place]
    if (closure === undefined || described === undefined) return undefined
    return {
      path: described.path,
      narHash: described.narHash,
      narSize: described.narSize,
      references: referencesOf(closure, described).sort(),
      signatures: described.signatures,
    }
  }
}
