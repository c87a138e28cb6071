/** Encodes and decodes path infos in the worker protocol. */
import { isStorePath } from '../../../protocol/nix/store-path.ts'
import type { PathInfo } from '../path-info.ts'
import { storeError } from '../store-error.ts'
import type { WireMessage, WireReader } from './worker-wire.ts'

/** The longest field: a content address or a signature. */
const maxFieldBytes = 4096
const sha256Bytes = 32

/** Writes a path with its info, as for an import. */
export function writePathInfo(message: WireMessage, info: PathInfo): WireMessage {
  return message
    .string(info.path)
    .string(info.deriver ?? '')
    .string(Buffer.from(info.narHash).toString('hex'))
    .strings(info.references)
    .u64(0) // registrationTime: the daemon uses the current time
    .u64(info.narSize)
    .bool(false) // ultimate: not built here
    .strings(info.signatures)
    .string(info.contentAddress ?? '')
}

/** Reads the info that answers a query for `path`. */
export async function readPathInfo(reader: WireReader, path: string): Promise<PathInfo> {
  const deriver = await reader.string(maxFieldBytes)
  const narHash = Buffer.from((await reader.string(maxFieldBytes)).replace(/^sha256:/, ''), 'hex')
  const references = (await reader.strings()).toSorted()
  await reader.skipU64() // registrationTime
  const narSize = await reader.u64()
  await reader.skipU64() // ultimate
  const signatures = await reader.strings()
  const contentAddress = await reader.string(maxFieldBytes)
  if (narHash.length !== sha256Bytes || !references.every(isStorePath)) {
    throw storeError('protocol', `Expected a SHA-256 and store paths in the info of ${path}, got something else`)
  }
  return {
    path,
    narHash: new Uint8Array(narHash),
    narSize,
    references,
    signatures,
    ...(deriver === '' ? {} : { deriver }),
    ...(contentAddress === '' ? {} : { contentAddress }),
  }
}
