/** Serves the page on loopback, with what a running controller keeps for it. */

import { createServer, type Server } from 'node:http'
import { join } from 'node:path'
import { getRequestListener } from '@hono/node-server'
import { HintedError } from '../../protocol/errors.ts'
import type { ApiInit } from '../api/app.ts'
import { maxHeaderBytes, requestTimeoutMs } from '../api/limits.ts'
import type { WebSessions } from '../api/schemas/web.ts'
import { RemoteFiles } from '../ssh/remote-files.ts'
import { Screens } from '../ssh/screens.ts'
import { Terminals } from '../ssh/terminals.ts'
import { OneTimeCodes } from './codes.ts'
import { uploads } from './file-routes.ts'
import { maxConnections, noteUseMs } from './limits.ts'
import { makePage } from './page-app.ts'
import { screenLinks } from './screen-link.ts'
import { PageSessions } from './sessions.ts'
import { takeSockets } from './sockets.ts'
import { loadFiles } from './static-files.ts'
import { terminalLinks } from './terminal-link.ts'
import { KeyLocks } from './unlock.ts'

export interface PageServerInit {
  readonly api: Omit<ApiInit, 'door'>
  readonly port: number
  /** The clock of one-time codes; tests give their own. */
  readonly codeClock?: () => number
}

export class PageServer {
  readonly codes: OneTimeCodes
  readonly sessions: PageSessions
  readonly #server: Server
  readonly #locks: KeyLocks
  readonly #endStreams: () => void

  private constructor(
    server: Server,
    codes: OneTimeCodes,
    sessions: PageSessions,
    locks: KeyLocks,
    endStreams: () => void,
  ) {
    this.#endStreams = endStreams
    this.#server = server
    this.codes = codes
    this.sessions = sessions
    this.#locks = locks
  }

  /** Throws where the page was never built, or where another program has the port. */
  static async start({ api, port, codeClock }: PageServerInit): Promise<PageServer> {
    const files = await loadFiles()
    const codes = new OneTimeCodes(codeClock)
    const sessions = await PageSessions.open(join(api.session.home.stateDirectory, 'page-sessions.json'))
    const locks = new KeyLocks(api.session)
    const terminals = new Terminals(api.session)
    const remoteFiles = new RemoteFiles(api.session)
    sessions.onEnd(id => {
      locks.lock(id)
      terminals.end('the browser was signed out', id)
      remoteFiles.end(id)
    })
    const screens = new Screens(api.session)
    let page: PageServer | undefined
    const app = makePage({
      api,
      files,
      codes,
      sessions,
      locks,
      terminals,
      screens,
      remoteFiles,
      port: () => page?.port ?? port,
      listed: () => page?.listed() ?? { sessions: [] },
    })
    const listener = getRequestListener(app.fetch, { overrideGlobalObjects: false })
    const bounds = { maxHeaderSize: maxHeaderBytes, requestTimeout: requestTimeoutMs, headersTimeout: requestTimeoutMs }
    const server = createServer(bounds, (request, response) => void listener(request, response))
    server.maxConnections = maxConnections
    const kinds = new Map([
      ['/page/terminal', terminalLinks(terminals, locks)],
      ['/page/screen', screenLinks(screens, locks)],
      ['/page/upload', uploads({ files: remoteFiles, locks })],
    ])
    const endSockets = takeSockets(server, { sessions, port: () => page?.port ?? port, kinds })
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen({ host: '127.0.0.1', port }, resolve)
    }).catch((thrown: Error & { code?: string }) => {
      if (thrown.code !== 'EADDRINUSE') throw thrown
      throw new HintedError(
        'port-unavailable',
        `expected port ${port} of 127.0.0.1 for the page, but a program has it`,
        {
          hint: `Is the controller of another fleet there? End it, or choose another port: thymesh web --port ${port + 1}`,
          cause: thrown,
        },
      )
    })
    const idle = setInterval(() => sessions.endIdle(), noteUseMs).unref()
    const endStreams = () => {
      clearInterval(idle)
      terminals.end('the controller has ended')
      remoteFiles.end()
      endSockets()
    }
    page = new PageServer(server, codes, sessions, locks, endStreams)
    return page
  }

  get port(): number {
    const address = this.#server.address()
    return typeof address === 'object' && address !== null ? address.port : 0
  }

  get address(): string {
    return `http://127.0.0.1:${this.port}/`
  }

  /** The browsers that are signed in. */
  listed(): WebSessions {
    const at = (time: number) => new Date(time).toISOString()
    return {
      sessions: this.sessions.all.map(({ id, agent, began, used }) => ({
        id,
        agent,
        began: at(began),
        used: at(used),
      })),
    }
  }

  async stop(): Promise<void> {
    const closed = new Promise(resolve => this.#server.close(resolve))
    this.#endStreams()
    this.#server.closeAllConnections()
    await closed
    this.#locks.stop()
  }
}
