/** A controller at work answers what other commands of this machine ask it. */

import { randomBytes } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { replaceFile } from '../../../node/files/durable-file.ts'
import { ApiServer, type LoadApi } from '../../api/server.ts'
import { socketFile } from '../../api/socket.ts'
import type { WebHost } from '../../api/web-routes.ts'
import type { Session } from '../../session/session.ts'
import type { Tasks } from '../../tasks/tasks.ts'
import { defaultPort } from '../../web/limits.ts'
import type { PageServer } from '../../web/page-server.ts'

/** The command's name, without what it was given: that may hold a secret. */
function commandOf([, , command = '']: readonly string[]): string {
  return /^[a-z-]{1,40}$/.test(command) ? command : ''
}

/** The parts of the API, made when the first request or order comes. */
export function apiOf(session: Session, project: string): SessionApi {
  const load = async () => {
    const { EventLog } = await import('../../api/event-log.ts')
    const { followFleet } = await import('../../api/fleet-events.ts')
    const { Tasks } = await import('../../tasks/tasks.ts')
    const events = new EventLog()
    followFleet(session, events)
    const tasks = await Tasks.open(join(session.home.stateDirectory, 'tasks'))
    tasks.on('changed', task => events.append('task', task))
    const controller = { pid: process.pid, command: commandOf(process.argv), project }
    return { session, controller, events, tasks, web }
  }
  let loaded: ReturnType<LoadApi> | undefined
  const loadOnce = () => {
    loaded ??= load()
    return loaded
  }
  const web = webOf(loadOnce)
  return { load: loadOnce, tasks: async () => (await loaded)?.tasks, web }
}

/** The page, served from the first time that somebody opens it. */
function webOf(load: LoadApi): SessionWeb {
  let serving: Promise<PageServer> | undefined
  const serve = async (port: number) => {
    const { PageServer } = await import('../../web/page-server.ts')
    return await PageServer.start({ api: await load(), port })
  }
  const served = async (port = defaultPort) => {
    serving ??= serve(port).catch((thrown: unknown) => {
      serving = undefined
      throw thrown
    })
    return await serving
  }
  return {
    open: async port => {
      const page = await served(port)
      return { address: page.address, code: page.codes.make() }
    },
    sessions: async () => (await serving)?.listed() ?? { sessions: [] },
    end: async id => await (await served()).sessions.end(id),
    stop: async () => await (await serving?.catch(() => undefined))?.stop(),
  }
}

export interface SessionWeb extends WebHost {
  stop(): Promise<void>
}

export interface SessionApi {
  readonly load: LoadApi
  /** Nothing where nobody has ordered or asked anything yet. */
  readonly tasks: () => Promise<Tasks | undefined>
  readonly web: SessionWeb
}

/** Where commands and programs of this user ask. */
export async function listenForCommands({ home }: Session, api: SessionApi): Promise<ApiServer> {
  return await ApiServer.onSocket(socketFile(home.stateDirectory), api.load)
}

/** For programs that can't use a Unix socket: reads on loopback, with a token that only this user can read. */
export async function listenOnLoopback({ home }: Session, api: SessionApi, port: number): Promise<LoopbackApi> {
  const file = join(home.stateDirectory, 'api.token')
  const token = randomBytes(32).toString('base64url')
  await replaceFile(file, `${token}\n`)
  const server = await ApiServer.onLoopback(port, token, api.load)
  const stop = async () => {
    await server.stop()
    await rm(file, { force: true })
  }
  return { address: `http://127.0.0.1:${server.port}`, tokenFile: file, stop }
}

interface LoopbackApi {
  readonly address: string
  readonly tokenFile: string
  stop(): Promise<void>
}
