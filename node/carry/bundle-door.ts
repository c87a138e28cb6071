/** The daemon's socket for bundles: a bundle stays attached for as long as the command's connection is open. */

import { rm } from 'node:fs/promises'
import { createServer, type Server, type Socket } from 'node:net'
import { jsonOf } from '../../protocol/encoding/json.ts'
import { messageOf, ThymeshError } from '../../protocol/errors.ts'
import { fitsSocket, listenAt } from '../files/unix-socket.ts'
import type { NetChecks, PeersView } from '../mesh/relay/network-view.ts'
import type { Logger } from '../process/log.ts'
import type { DeviceFacts } from '../standing/facts.ts'
import { bundleSocket, type DoorAnswer, DoorError, type DoorRequest, doorRequestSchema } from './door-messages.ts'
import type { FeedEnd, FeedInit } from './feed-bundle.ts'
import { maxDoorRequestBytes, parallelTakes, takeRequestMs } from './limits.ts'

/** What the daemon does for commands: `feed` attaches the bundle at a path until it is needed no longer. */
export interface DoorWork {
  feed(path: string, init: FeedInit): Promise<FeedEnd>
  /** Writes the device's outbox. */
  outbox(path: string): Promise<{ device: string; bytes: number }>
  /** What this device knows of one, or of itself. */
  facts(device: string | undefined): Promise<DeviceFacts>
  peers(): Promise<PeersView>
  network(): Promise<NetChecks>
}

export class BundleDoor {
  readonly #server: Server
  readonly #file: string
  readonly #sockets = new Map<Socket, Promise<void>>()

  private constructor(server: Server, file: string) {
    this.#server = server
    this.#file = file
  }

  /** Listens in a state directory, whose lock the caller holds; undefined if the path is too long for a socket. */
  static async start(stateDirectory: string, work: DoorWork, log: Logger): Promise<BundleDoor | undefined> {
    const file = bundleSocket(stateDirectory)
    if (!fitsSocket(file)) {
      log.warn({ file }, 'bundles can not be taken in: the path of the state is too long for a socket')
      return undefined
    }
    const server = createServer({ allowHalfOpen: true })
    const door = new BundleDoor(server, file)
    server.maxConnections = parallelTakes
    server.on('connection', socket => door.#sockets.set(socket, door.#take(socket, work, log)))
    await listenAt(server, file)
    return door
  }

  /** Detaches all bundles. */
  async stop(): Promise<void> {
    for (const socket of this.#sockets.keys()) socket.destroy()
    await Promise.all(this.#sockets.values())
    await new Promise(resolve => this.#server.close(resolve))
    await rm(this.#file, { force: true })
  }

  async #take(socket: Socket, work: DoorWork, log: Logger): Promise<void> {
    const gone = new AbortController()
    const leave = () => gone.abort(new DoorError('ended', 'the command has ended', { hint: 'Run it again.' }))
    socket.on('error', leave)
    socket.once('close', leave)
    const tell = (answer: DoorAnswer) => void (socket.writable && socket.write(`${JSON.stringify(answer)}\n`))
    try {
      const request = await requestFrom(socket)
      // From here on, the end of the command's side is the end of the take.
      socket.once('end', leave)
      if ('outbox' in request) return tell({ v: 1, outbox: await work.outbox(request.outbox) })
      if ('facts' in request) return tell({ v: 1, facts: await work.facts(request.facts.device) })
      if ('look' in request) {
        return tell(
          request.look === 'peers' ? { v: 1, peers: await work.peers() } : { v: 1, network: await work.network() },
        )
      }
      const { path, quietSeconds } = request
      const onNews: FeedInit['onNews'] = news => tell({ v: 1, news })
      const end = await work.feed(path, { onNews, quietMs: quietSeconds * 1000, signal: gone.signal })
      tell({ v: 1, end })
    } catch (thrown) {
      log.warn({ reason: messageOf(thrown) }, 'a command of this machine was refused')
      tell({ v: 1, error: errorOf(thrown) })
    } finally {
      socket.end()
      this.#sockets.delete(socket)
    }
  }
}

/** The first line. Rejects with a DoorError if none comes in time, or it is none of ours. */
function requestFrom(socket: Socket): Promise<DoorRequest> {
  return new Promise((resolve, reject) => {
    const refuse = () => reject(notUnderstood())
    const late = setTimeout(refuse, takeRequestMs)
    let text = ''
    const take = (piece: Buffer) => {
      text += piece.toString('utf8')
      if (text.length > maxDoorRequestBytes) return refuse()
      if (!text.includes('\n')) return
      clearTimeout(late)
      socket.off('data', take)
      socket.resume()
      const request = doorRequestSchema.safeParse(jsonOf(text))
      if (request.success) resolve(request.data)
      else refuse()
    }
    socket.on('data', take)
    socket.once('close', () => {
      clearTimeout(late)
      refuse()
    })
  })
}

function notUnderstood(): DoorError {
  return new DoorError('not-understood', 'expected a request to take in a bundle, got something else', {
    hint: 'Use `thymesh bundle take` of the same version as the daemon.',
  })
}

function errorOf(thrown: unknown) {
  const known = thrown instanceof ThymeshError
  const [code, hint] = known ? [thrown.code, thrown.hint ?? null] : [codeOf(thrown) ?? 'failed', null]
  return { code, message: messageOf(thrown), hint }
}

/** The code of a system error, such as EIO from a stick. */
function codeOf(thrown: unknown): string | undefined {
  const code = thrown instanceof Error ? (thrown as NodeJS.ErrnoException).code : undefined
  return typeof code === 'string' ? code.slice(0, 50) : undefined
}
