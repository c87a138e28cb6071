/**
 * Doors of the controller that runs, for commands beside it: ports and sockets of this machine that lead to a device. So the
 * bytes of a connection pass through no process of the command. A door is there as long as the request that has opened it,
 * which goes on as lines of JSON.
 */

import type { Duplex } from 'node:stream'
import { z } from 'zod'
import { messageOf } from '../../protocol/errors.ts'
import { forwardTargetSchema, userSchema } from '../../protocol/release/access.ts'
import { errorJson } from '../format/error-json.ts'
import { openDeviceStream, type StreamOptions } from '../session/device-streams.ts'
import { ForwardDoor } from '../session/forward-door.ts'
import type { Session } from '../session/session.ts'
import { SshDoor } from '../session/ssh-door.ts'
import { ApiError } from './api-error.ts'
import { maxStreams } from './limits.ts'
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
export type SshDoorOptions = z.infer<typeof sshDoor>
export type ForwardDoorOptions = z.infer<typeof forwardDoor>

export interface OpenDoor {
  readonly at: string
  stop(): void
}

/** Opens a door as a request's query names it. Throws what the device refuses with, and where it can't be listened. */
export async function openDoor(
  kind: DoorKind,
  device: string,
  query: URLSearchParams,
  session: Session,
  say: (news: DoorNews) => void,
): Promise<OpenDoor> {
  const common = { device, user: query.get('user') ?? '', wait: Number(query.get('wait') ?? Number.NaN) }
  const openStream = (options: StreamOptions) => openDeviceStream(session, options)
  if (kind === 'ssh-door') {
    const { at, ...about } = sshDoor.parse({ ...common, at: query.get('at') ?? '' })
    const door = await SshDoor.at(at, () => openStream(about)).catch(noSuchPlace)
    try {
      await door.openAhead()
    } catch (thrown) {
      door.stop()
      throw thrown
    }
    return { at, stop: () => door.stop() }
  }
  const asked = { ...common, to: query.get('to'), ticket: query.get('ticket'), at: query.getAll('at') }
  const { at: places, ticket, ...about } = forwardDoor.parse(asked)
  return await ForwardDoor.open({
    ...about,
    openStream,
    places,
    ticket: Buffer.from(ticket, 'base64url'),
    most: maxStreams,
    onRefused: thrown => say({ error: errorJson(thrown) }),
  }).catch(noSuchPlace)
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
