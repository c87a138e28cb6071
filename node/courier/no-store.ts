/** The store of a peer on a machine without Nix: no path is valid, and nothing is imported. */

import { NixStore } from '../store/local/nix-store.ts'
import type { PathInfo } from '../store/path-info.ts'

export class NoStore extends NixStore {
  override async start(): Promise<void> {}

  override async isValid(): Promise<boolean> {
    return false
  }

  override async validPaths(): Promise<Set<string>> {
    return new Set()
  }

  override async pathInfo(): Promise<PathInfo | undefined> {
    return undefined
  }
}
