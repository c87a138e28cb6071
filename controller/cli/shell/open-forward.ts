/** Where `thymesh forward` listens, and who does it: the controller that runs, else this process. */

import { createHash } from 'node:crypto'
import { resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { ThymeshError } from '../../../protocol/errors.ts'
import { openDoorThere } from '../../api/door-client.ts'
import { socketFile } from '../../api/socket.ts'
import { type ErrorJson, errorJson } from '../../format/error-json.ts'
import { ForwardDoor, type ForwardDoorInit } from '../../session/forward-door.ts'
import { askAgainMs, releaseMs, untilFree } from '../../session/free-place.ts'
import type { Access } from './access.ts'

/** Where a port of this machine is for root only, it is found this much higher. */
const highPorts = 8000

export interface ForwardInit extends Pick<ForwardDoorInit, 'device' | 'ticket' | 'to' | 'user' | 'wait' | 'places'> {
  /** A connection was not made. */
  readonly onRefused: (error: ErrorJson) => void
}

export interface Forward {
  /** Where it is: a path, or `ADDRESS:PORT`. */
  readonly at: string
  /** Keeps it until the signal aborts. */
  keep(left: AbortSignal): Promise<void>
}

/**
 * Listens. A controller that runs does it for us, so that no byte passes through this process; when it ends, we go on at the
 * same place. Throws what the device refuses the first connection with.
 */
export async function openForward(access: Access, { onRefused, places, ...way }: ForwardInit): Promise<Forward> {
  const asked = { ...way, at: [...places], ticket: Buffer.from(way.ticket).toString('base64url') }
  const held = await openDoorThere(socketFile(access.home.stateDirectory), 'forward-door', asked, onRefused)
  const init: ForwardDoorInit = {
    ...way,
    openStream: options => access.openStream(options),
    onRefused: thrown => onRefused(errorJson(thrown)),
    places,
  }
  if (held === undefined) {
    const door = await ForwardDoor.open(init)
    return { at: door.at, keep: left => keepOpen(door, left) }
  }
  const keep = async (left: AbortSignal) => {
    await Promise.race([aborted(left), held.closed])
    held.stop()
    if (!left.aborted) await keepOpen(await again({ ...init, places: [held.at], isProved: true }, left), left)
  }
  return { at: held.at, keep }
}

async function keepOpen(door: ForwardDoor, left: AbortSignal): Promise<void> {
  await aborted(left)
  door.stop()
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve()
  return new Promise(done => signal.addEventListener('abort', () => done(), { once: true }))
}

/** The one who has listened there until now may need a moment to let it go. */
async function again(init: ForwardDoorInit, left: AbortSignal): Promise<ForwardDoor> {
  const [place = ''] = init.places
  if (place.startsWith('/')) await untilFree(place, left)
  for (const deadline = Date.now() + releaseMs; ; await sleep(askAgainMs)) {
    try {
      return await ForwardDoor.open(init)
    } catch (thrown) {
      const isTaken = thrown instanceof ThymeshError && thrown.code === 'port-unavailable'
      if (!isTaken || left.aborted || Date.now() >= deadline) throw thrown
    }
  }
}

/** The places for a target, the best first: `local` as the operator has named it, else the target's own port at the device's address. */
export function placesFor(fleet: string, device: string, to: string, local: string | undefined): string[] {
  if (local !== undefined && !/^\d{1,5}$/.test(local)) return [resolve(local)]
  const address = addressOf(fleet, device)
  const same = to.startsWith('tcp:') ? Number(to.slice(to.lastIndexOf(':') + 1)) : 0
  const wanted = local === undefined ? same : Number(local)
  const tries = local === undefined && wanted > 0 && wanted < 1024 ? [wanted, wanted + highPorts] : [wanted]
  return tries.map(port => `${address}:${port}`)
}

/** Each device has an address of loopback of its own, always the same: cookies and storage of two devices' pages never mix. */
function addressOf(fleet: string, device: string): string {
  const [x = 0, y = 0] = createHash('sha256').update(`${fleet}/${device}`).digest()
  return `127.71.${x}.${1 + (y % 254)}`
}
