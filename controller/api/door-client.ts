/** Asks the controller that already runs for a door: it listens at a port or socket of this machine, as long as we hold it. */

import { stat } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import { namespaceOf } from '../../node/process/namespace.ts'
import { ThymeshError } from '../../protocol/errors.ts'
import type { ErrorJson } from '../format/error-json.ts'
import { upgradeRunning } from './client.ts'
import { type DoorKind, doorNews, type ForwardDoorOptions, type SshDoorOptions } from './doors.ts'
import { streamPath, streamUpgrade } from './upgrade.ts'

export interface HeldDoor {
  /** Where it is: a path, or `ADDRESS:PORT`. */
  readonly at: string
  /** Resolves when it is there no more: it was stopped, or its controller has ended. */
  readonly closed: Promise<void>
  stop(): void
}

/**
 * `onRefused` hears of connections that could not be made. Gives nothing where no controller runs, where it is older, and where
 * its files are others than ours. Throws what the device refuses with, and what keeps the door from being there.
 */
export async function openDoorThere(
  file: string,
  kind: DoorKind,
  { device, ...options }: SshDoorOptions | ForwardDoorOptions,
  onRefused: (error: ErrorJson) => void = () => {},
): Promise<HeldDoor | undefined> {
  const query = new URLSearchParams()
  for (const [name, value] of Object.entries(options)) {
    for (const each of [value].flat()) query.append(name, String(each))
  }
  const net = namespaceOf('net')
  if (net !== undefined) query.set('net', net)
  const places = query.getAll('at').filter(each => each.startsWith('/'))
  const before = new Map(await Promise.all(places.map(async each => [each, await socketAt(each)] as const)))
  const stream = await upgradeRunning(file, `${streamPath(device, kind)}?${query}`, streamUpgrade).catch(thrown => {
    const { code } = thrown instanceof ThymeshError ? thrown : { code: '' }
    if (code === 'unknown-route' || code === 'socket-path') return 'not-there'
    throw thrown
  })
  if (typeof stream === 'string') return undefined
  const { promise: closed, resolve: isClosed } = Promise.withResolvers<void>()
  stream.on('error', () => {}).once('close', isClosed)
  const opened = Promise.withResolvers<string | undefined>()
  createInterface({ input: stream })
    .on('line', line => {
      const { data } = doorNews.safeParse(parsed(line))
      if (data === undefined) stream.destroy()
      else if ('at' in data) opened.resolve(data.at)
      else onRefused(data.error)
    })
    .once('close', () => opened.resolve(undefined))
  const at = await opened.promise
  const stop = () => void stream.destroy()
  if (at !== undefined && (!at.startsWith('/') || (await isNewSocket(at, before.get(at))))) return { at, closed, stop }
  stop()
  return undefined
}

/** A controller that sees other files has made its socket among those: what is at the path here may be anything. */
async function isNewSocket(path: string, before: string | undefined): Promise<boolean> {
  const now = await socketAt(path)
  return now !== undefined && now !== before
}

/** What tells a socket from the next one at its path; nothing where there is none. */
async function socketAt(path: string): Promise<string | undefined> {
  const found = await stat(path, { bigint: true }).catch(() => undefined)
  return found?.isSocket() ? `${found.dev} ${found.ino} ${found.ctimeNs}` : undefined
}

function parsed(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch {
    return undefined
  }
}
