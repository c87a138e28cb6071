/** The local API of a test's session, and requests to it that no client of ours would send. */

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { request } from 'node:http'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import type { TestContext } from 'node:test'
import { EventLog } from '../../controller/api/event-log.ts'
import { followFleet } from '../../controller/api/fleet-events.ts'
import { ApiServer } from '../../controller/api/server.ts'
import { socketFile } from '../../controller/api/socket.ts'
import type { Session } from '../../controller/session/session.ts'
import { Tasks } from '../../controller/tasks/tasks.ts'
import { type TestSession, testSession } from './session.ts'

export interface Served extends TestSession {
  readonly file: string
  readonly server: ApiServer
  readonly load: Parameters<typeof ApiServer.onSocket>[1]
}

export async function served(t: TestContext, devices = 1): Promise<Served> {
  const made = await testSession(t, devices)
  const { file, server, load } = await serveSession(made.session, stop => made.mesh.after(stop))
  return { ...made, file, server, load }
}

/** Serves it on its socket, until what `after` is given is called. */
export async function serveSession(session: Session, after: (stop: () => Promise<void>) => void) {
  const events = new EventLog()
  followFleet(session, events)
  const tasks = await Tasks.open(join(session.home.stateDirectory, 'tasks'))
  tasks.on('changed', task => events.append('task', task))
  after(() => tasks.interrupt())
  const controller = { pid: process.pid, command: 'serve', project: session.home.directory }
  const load = async () => ({ session, controller, events, tasks })
  const file = socketFile(session.home.stateDirectory)
  const server = await ApiServer.onSocket(file, load)
  after(() => server.stop())
  return { file, server, load }
}

export interface Reply {
  readonly status: number
  readonly headers: NodeJS.Dict<string | string[]>
  readonly json: { error?: { code: string; message: string; hint: string } } & Record<string, unknown>
}

/** Any request, also one that no client of ours would send. */
export async function ask(
  to: string | number,
  path: string,
  init: { method?: string; headers?: Record<string, string>; body?: string | Buffer } = {},
): Promise<Reply> {
  const place = typeof to === 'string' ? { socketPath: to } : { host: '127.0.0.1', port: to }
  const sent = request({ ...place, path, method: init.method ?? 'GET', headers: init.headers, agent: false })
  sent.on('error', () => {})
  sent.end(init.body)
  const [response] = await once(sent, 'response')
  const body = await text(response)
  return { status: response.statusCode, headers: response.headers, json: JSON.parse(body) }
}

export async function codeOf(...args: Parameters<typeof ask>): Promise<[number, string | undefined]> {
  const { status, json } = await ask(...args)
  assert.ok(status < 400 || json.error?.hint, `an error without a hint: ${JSON.stringify(json)}`)
  return [status, json.error?.code]
}
