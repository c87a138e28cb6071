/** A valid path's info in the store's database. */

/** One valid path, as in the worker protocol and narinfo. */
export interface PathInfo {
  /** Full store path. */
  path: string
  /** SHA-256 of the NAR, 32 bytes. */
  narHash: Uint8Array
  narSize: number
  /** Full store paths, sorted, including a self-reference. */
  references: string[]
  /** The derivation that built it, if known. */
  deriver?: string
  /** In the form `name:base64`. */
  signatures: string[]
  /** `fixed:r:sha256:…` or `text:sha256:…`, for content-addressed paths. */
  contentAddress?: string
}
