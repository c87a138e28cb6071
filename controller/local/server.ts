/** Answers the commands of the same machine that only read: one question a connection. */

import { chmod, rm } from 'node:fs/promises'
import { createServer, type Server, type Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import { messageOf, ThymeshError } from '../../protocol/errors.ts'
import {
  type LocalAnswer,
  LocalError,
  type LocalRequest,
  maxQuestionsAtOnce,
  maxRequestBytes,
  maxSocketPath,
  notUnderstood,
  requestSchema,
  requestTimeoutMs,
} from './messages.ts'

/** Answers a question; what it throws becomes an answer too. */
export type Answerer = (request: LocalRequest) => Promise<LocalAnswer>

export class LocalServer {
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  readonly #file: string

  private constructor(server: Server, file: string) {
    this.#server = server
    this.#file = file
  }

  /** Listens at `file`, which is ours to replace: we have the lock of the state that it lies in. */
  static async start(file: string, answer: Answerer): Promise<LocalServer> {
    if (Buffer.byteLength(file) > maxSocketPath) {
      throw new LocalError(
        'socket-path',
        `expected a path of at most ${maxSocketPath} bytes for a socket, got ${file}`,
        {
          hint: 'Set THYMESH_HOME to a folder with a shorter path.',
        },
      )
    }
    await rm(file, { force: true })
    const server = createServer({ allowHalfOpen: true })
    const local = new LocalServer(server, file)
    server.maxConnections = maxQuestionsAtOnce
    server.on('connection', socket => local.#take(socket, answer))
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(file, resolve)
    })
    // The folder is its owner's alone already.
    await chmod(file, 0o600)
    return local
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    await new Promise(resolve => this.#server.close(resolve))
    await rm(this.#file, { force: true })
  }

  #take(socket: Socket, answer: Answerer): void {
    this.#sockets.add(socket)
    socket.once('close', () => this.#sockets.delete(socket))
    // The command may have ended.
    socket.on('error', () => {})
    const late = setTimeout(() => socket.destroy(), requestTimeoutMs)
    socket.once('close', () => clearTimeout(late))
    let size = 0
    socket.on('data', chunk => {
      size += chunk.length
      if (size > maxRequestBytes) socket.destroy()
    })
    void (async () => {
      const line = await text(socket)
      clearTimeout(late)
      socket.end(`${JSON.stringify(await this.#answer(line, answer))}\n`)
    })().catch(() => socket.destroy())
  }

  async #answer(line: string, answer: Answerer): Promise<LocalAnswer> {
    try {
      const request = requestSchema.safeParse(parsed(line))
      if (!request.success) throw notUnderstood()
      return await answer(request.data)
    } catch (thrown) {
      const known = thrown instanceof ThymeshError
      const [code, hint] = known ? [thrown.code, thrown.hint ?? null] : ['failed', null]
      return { v: 1, error: { code, message: messageOf(thrown), hint } }
    }
  }
}

function parsed(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch {
    return undefined
  }
}
