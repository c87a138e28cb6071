/** The daemon's socket for bundles: a bundle stays attached for as long as the command's connection is open. */

import { chmod, rm } from 'node:fs/promises'
import { createServer, type Server, type Socket } from 'node:net'
import { messageOf, ThymeshError } from '../../protocol/errors.ts'
import type { Logger } from '../process/log.ts'
import {
  bundleSocket,
  DoorError,
  maxSocketPath,
  type TakeAnswer,
  type TakeRequest,
  takeRequestSchema,
} from './door-messages.ts'
import type { FeedEnd, FeedInit } from './feed-bundle.ts'
import { maxTakeRequestBytes, parallelTakes, takeRequestMs } from './limits.ts'

/** Feeds from the bundle at a path until it is needed no longer. */
export type Feeder = (path: string, init: FeedInit) => Promise<FeedEnd>

export class BundleDoor {
  readonly #server: Server
  readonly #file: string
  readonly #sockets = new Map<Socket, Promise<void>>()

  private constructor(server: Server, file: string) {
    this.#server = server
    this.#file = file
  }

  /** Listens in a state directory, whose lock the caller holds; undefined if the path is too long for a socket. */
  static async start(stateDirectory: string, feed: Feeder, log: Logger): Promise<BundleDoor | undefined> {
    const file = bundleSocket(stateDirectory)
    if (Buffer.byteLength(file) > maxSocketPath) {
      log.warn({ file }, 'bundles can not be taken in: the path of the state is too long for a socket')
      return undefined
    }
    await rm(file, { force: true })
    const server = createServer({ allowHalfOpen: true })
    const door = new BundleDoor(server, file)
    server.maxConnections = parallelTakes
    server.on('connection', socket => door.#sockets.set(socket, door.#take(socket, feed, log)))
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(file, resolve)
    })
    // The state directory is its owner's alone already.
    await chmod(file, 0o600)
    return door
  }

  /** Detaches all bundles. */
  async stop(): Promise<void> {
    for (const socket of this.#sockets.keys()) socket.destroy()
    await Promise.all(this.#sockets.values())
    await new Promise(resolve => this.#server.close(resolve))
    await rm(this.#file, { force: true })
  }

  async #take(socket: Socket, feed: Feeder, log: Logger): Promise<void> {
    const gone = new AbortController()
    const leave = () => gone.abort(new DoorError('ended', 'the command has ended', { hint: 'Run it again.' }))
    socket.on('error', leave)
    socket.once('close', leave)
    const tell = (answer: TakeAnswer) => void (socket.writable && socket.write(`${JSON.stringify(answer)}\n`))
    try {
      const { path, quietSeconds } = await requestFrom(socket)
      // From here on, the end of the command's side is the end of the take.
      socket.once('end', leave)
      const onNews: FeedInit['onNews'] = news => tell({ v: 1, news })
      const end = await feed(path, { onNews, quietMs: quietSeconds * 1000, signal: gone.signal })
      tell({ v: 1, end })
    } catch (thrown) {
      log.warn({ reason: messageOf(thrown) }, 'a bundle is no longer attached')
      tell({ v: 1, error: errorOf(thrown) })
    } finally {
      socket.end()
      this.#sockets.delete(socket)
    }
  }
}

/** The first line. Rejects with a DoorError if none comes in time, or it is none of ours. */
function requestFrom(socket: Socket): Promise<TakeRequest> {
  return new Promise((resolve, reject) => {
    const refuse = () => reject(notUnderstood())
    const late = setTimeout(refuse, takeRequestMs)
    let text = ''
    const take = (piece: Buffer) => {
      text += piece.toString('utf8')
      if (text.length > maxTakeRequestBytes) return refuse()
      if (!text.includes('\n')) return
      clearTimeout(late)
      socket.off('data', take)
      socket.resume()
      const request = takeRequestSchema.safeParse(parsed(text))
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

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
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
