/** The daemon's log channel: messages during an operation, and its end. */
import { stripVTControlCharacters } from 'node:util'
import { type StoreOperation, storeError, storeErrorFromDaemon } from '../store-error.ts'
import type { WireReader } from './worker-wire.ts'

// `worker-protocol.hh`: the numbers spell ASCII words.
const stderrNext = 0x6f6c6d67
const stderrRead = 0x64617461
const stderrWrite = 0x64617416
const stderrLast = 0x616c7473
const stderrError = 0x63787470
const stderrStartActivity = 0x53545254
const stderrStopActivity = 0x53544f50
const stderrResult = 0x52534c54

/** Errors are structured from this protocol on (1.26, Nix 2.4). */
const structuredErrorsSince = 26
/** The most fields of a log message and traces of an error that are read. */
const maxEntries = 4096

/** The state that the loop needs for the current operation. */
export interface StderrOptions {
  readonly minor: number
  readonly operation: StoreOperation
  readonly log?: (line: string) => void
  /** Sends the daemon up to this number of bytes on request (imports in protocol 1.21 and 1.22). */
  readonly onRead?: (length: number) => Promise<void>
}

/**
 * Reads messages until the operation succeeds.
 *
 * @throws StoreError with the daemon's message if it fails.
 */
export async function readStderr(reader: WireReader, options: StderrOptions): Promise<void> {
  for (;;) {
    const message = await reader.u64()
    switch (message) {
      case stderrLast:
        return
      case stderrError:
        throw storeErrorFromDaemon(await readError(reader, options.minor), options.operation)
      case stderrNext:
        options.log?.(stripVTControlCharacters(await reader.text()).trimEnd())
        break
      case stderrStartActivity:
        await reader.skipU64()
        await reader.skipU64()
        await reader.skipU64()
        await reader.text()
        await skipFields(reader)
        await reader.skipU64()
        break
      case stderrStopActivity:
        await reader.skipU64()
        break
      case stderrResult:
        await reader.skipU64()
        await reader.skipU64()
        await skipFields(reader)
        break
      case stderrRead: {
        const length = await reader.u64()
        if (options.onRead === undefined) throw storeError('protocol', 'The Nix daemon asked for data that it has')
        await options.onRead(length)
        break
      }
      case stderrWrite:
        throw storeError('protocol', 'The Nix daemon sent data that nobody asked for')
      default:
        throw storeError('protocol', `Expected a message of the worker protocol, got 0x${message.toString(16)}`)
    }
  }
}

async function readError(reader: WireReader, minor: number): Promise<string> {
  if (minor < structuredErrorsSince) {
    const text = await reader.text()
    await reader.skipU64()
    return text
  }
  await reader.text()
  await reader.skipU64()
  await reader.text()
  const text = await reader.text()
  await reader.skipU64()
  const traces = await reader.u64()
  if (traces > maxEntries) throw storeError('protocol', `The Nix daemon sent an error with ${traces} traces`)
  for (let i = 0; i < traces; i++) {
    await reader.skipU64()
    await reader.text()
  }
  return text
}

async function skipFields(reader: WireReader): Promise<void> {
  const count = await reader.u64()
  if (count > maxEntries) throw storeError('protocol', `The Nix daemon sent a log message with ${count} fields`)
  for (let i = 0; i < count; i++) {
    const type = await reader.u64()
    if (type === 0) await reader.skipU64()
    else if (type === 1) await reader.text()
    else throw storeError('protocol', `The Nix daemon sent a log field of the unknown type ${type}`)
  }
}
