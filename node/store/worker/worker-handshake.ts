/** The handshake with a Nix daemon: negotiates the protocol version and reads the daemon's properties. */
import { storeError } from '../store-error.ts'
import { readStderr } from './worker-stderr.ts'
import { WireMessage, type WireReader, type WireSink } from './worker-wire.ts'

const workerMagic1 = 0x6e697863
const workerMagic2 = 0x6478696f
const majorVersion = 1
/** Nix 2.3, the oldest version still in use. */
const minMinor = 21
/** Nix 2.24 to 2.34. A newer daemon uses it too if we announce it. */
const maxMinor = 38

/** The result of the handshake. */
export interface WorkerGreeting {
  /** The negotiated minor version of protocol 1.x. */
  readonly minor: number
  /** The daemon's Nix version, from protocol 1.33 on. */
  readonly nixVersion: string | undefined
  /** Whether the daemon accepts settings from us, from protocol 1.35 on. */
  readonly trusted: boolean | undefined
}

/**
 * Performs the handshake (`worker-protocol-connection.cc`).
 *
 * Unlike Nix, it sends our version after receiving the daemon's, since daemons before 2.24 use the client's number
 * unconditionally.
 *
 * @throws StoreError `protocol` if the other side isn't a Nix daemon, or is too old.
 */
export async function greet(reader: WireReader, sink: WireSink): Promise<WorkerGreeting> {
  await sink.write(new WireMessage().u64(workerMagic1).bytes())
  const magic = await reader.u64()
  if (magic !== workerMagic2) {
    throw storeError('protocol', `Expected a Nix daemon, got the number 0x${magic.toString(16)} from it`)
  }
  const version = await reader.u64()
  const major = version >> 8
  if (major !== majorVersion || (version & 0xff) < minMinor) {
    throw storeError(
      'protocol',
      `Expected the worker protocol ${majorVersion}.${minMinor} or newer (Nix 2.3), got ${major}.${version & 0xff}`,
    )
  }
  const minor = Math.min(version & 0xff, maxMinor)
  const hello = new WireMessage().u64((majorVersion << 8) | minor)
  // None of the optional features is used.
  if (minor >= 38) hello.strings([])
  // Obsolete: CPU affinity, reserve space.
  await sink.write(hello.u64(0).u64(0).bytes())
  if (minor >= 38) await reader.strings()
  const nixVersion = minor >= 33 ? await reader.string() : undefined
  const trust = minor >= 35 ? await reader.u64() : 0
  await readStderr(reader, { minor, operation: 'query' })
  return { minor, nixVersion, trusted: trust === 0 ? undefined : trust === 1 }
}
