/** What the store's database knows about a valid path. */

/** One valid path, as the worker protocol and narinfo describe it. */
export interface PathInfo {
  /** Full store path. */
  path: string
  /** SHA-256 of the NAR, 32 bytes. */
  narHash: Uint8Array
  narSize: number
  /** Full store paths, sorted; the path itself is among them if it refers to itself. */
  references: string[]
  /** The derivation that built it, where that is known. */
  deriver?: string
  /** `name:base64`, any number. */
  signatures: string[]
  /** `fixed:r:sha256:…` or `text:sha256:…`, for paths whose name follows from their content. */
  contentAddress?: string
}
