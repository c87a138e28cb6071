/**
 * Doors of the controller that runs, for commands beside it: ports and sockets of this machine that lead to a device. So the
 * bytes of a connection pass through no process of the command. A door is there as long as the request that has opened it,
 * which goes on as lines of JSON.
 */

import type { Duplex } from 'node:stream'
import { z } from 'zod'
import { namespaceOf } from '../../node/process/namespace.ts'
import { messageOf } from '../../protocol/errors.ts'
import { forwardTargetSchema, userSchema } from '../../protocol/release/access.ts'
import { errorJson } from '../format/error-json.ts'
import { openDeviceStream, type StreamOptions } from '../session/device-streams.ts'
import { ForwardDoor } from '../session/forward-door.ts'
import type { Session } from '../session/session.ts'
import { type Admits, SshDoor } from '../session/ssh-door.ts'
import { ApiError } from './api-error.ts'
import { errorSchema } from './schemas/error.ts'

export const doorKinds = ['ssh-door', 'forward-door'] as const
export type DoorKind = (typeof doorKinds)[number]

/** What the one who has opened a door hears: where it is, then each connection that could not be made. */
export const doorNews = z.union([z.strictObject({ at: z.string().min(1).max(300) }), errorSchema])
export type DoorNews = z.infer<typeof doorNews>

const place = z
  .string()
  .max(200)
  .regex(/^(?:\/.+|127\.\d{1,3}\.\d{1,3}\.\d{1,3}:\d{1,5})$/)
const wait = z.number().min(0).max(86_400)
const sshDoor = z.strictObject({ device: z.string(), user: userSchema, wait, at: place.startsWith('/') })
const forwardDoor = z.strictObject({
  device: z.string(),
  user: userSchema,
  wait,
  to: forwardTargetSchema,
  ticket: z.base64url().max(200),
  /** What may be listened at, the best first. */
  at: z.array(place).min(1).max(4),
})
/** The caller's network, by its namespace: an address of another one is not the caller's. Callers of before don't say it. */
const network = z
  .string()
  .regex(/^\d{1,20}$/)
  .nullable()
export type SshDoorOptions = z.infer<typeof sshDoor>
export type ForwardDoorOptions = z.infer<typeof forwardDoor>

export interface OpenDoor {
  readonly at: string
  stop(): void
}

export interface DoorInit {
  readonly session: Session
  /** Whoever has opened the door hears it. */
  readonly say: (news: DoorNews) => void
  /** Whether there is room for a connection, which then counts until it closes. */
  readonly admits: Admits
  /** Whoever wanted the door is gone: nothing more is opened for it. */
  readonly gone: AbortSignal
}

/** Opens a door as a request's query names it. Throws what the device refuses with, and where it can't be listened. */
export async function openDoor(
  kind: DoorKind,
  device: string,
  query: URLSearchParams,
  { session, say, admits, gone }: DoorInit,
): Promise<OpenDoor> {
  const common = { device, user: query.get('user') ?? '', wait: Number(query.get('wait') ?? Number.NaN) }
  const openStream = (options: StreamOptions) => openDeviceStream(session, options, gone)
  if (kind === 'ssh-door') {
    const { at, ...about } = sshDoor.parse({ ...common, at: query.get('at') ?? '' })
    const door = await SshDoor.opened(at, () => openStream(about), admits).catch(noSuchPlace)
    return { at, stop: () => door.stop() }
  }
  const asked = { ...common, to: query.get('to'), ticket: query.get('ticket'), at: query.getAll('at') }
  const { at: places, ticket, ...about } = forwardDoor.parse(asked)
  const net = network.parse(query.get('net'))
  if (net !== null && net !== namespaceOf('net') && !places.every(isPath)) throw otherNetwork()
  return await ForwardDoor.open({
    ...about,
    openStream,
    places,
    ticket: Buffer.from(ticket, 'base64url'),
    admits,
    onRefused: thrown => say({ error: errorJson(thrown) }),
  }).catch(noSuchPlace)
}

function isPath(place: string): boolean {
  return place.startsWith('/')
}

function otherNetwork(): ApiError {
  return new ApiError('socket-path', "expected a caller in the controller's own network, got one in another", {
    hint: 'Name the path of a socket, or start the controller beside its callers.',
  })
}

/** A controller may have other folders than its callers, as one in a unit of systemd: then they listen themselves. */
function noSuchPlace(thrown: unknown): never {
  if (!(thrown instanceof Error && 'syscall' in thrown)) throw thrown
  throw new ApiError('socket-path', `expected a place that can be listened at: ${messageOf(thrown)}`, {
    hint: 'Name one in a folder that the controller can write to.',
  })
}

/** Tells the caller of a door's news, as a line. */
export function sayTo(caller: Duplex, news: DoorNews): void {
  if (caller.writable) caller.write(`${JSON.stringify(news)}\n`)
}
