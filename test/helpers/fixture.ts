/** One golden file: its bytes, and how they are read and written again. */

import type { Codec } from '../../protocol/encoding/cbor.ts'

export interface Fixture {
  /** The file's name. */
  readonly name: string
  readonly bytes: Uint8Array
  /** Its format; one decoder reads all fixtures of a format. */
  readonly format: string
  decode(bytes: Uint8Array): unknown
  /** Reads the bytes and writes them again. */
  again(bytes: Uint8Array): Uint8Array
}

/** A document without a signature. */
export function plain<T>(name: string, codec: Codec<T>, document: T): Fixture {
  return {
    name: `${name}.cbor`,
    bytes: codec.encode(document),
    format: codec.name,
    decode: codec.decode,
    again: bytes => codec.encode(codec.decode(bytes)),
  }
}
