/** Work with the project's controller in the mesh, for as long as one command runs. */

import { HintedError, messageOf, ThymeshError } from '../../../protocol/errors.ts'
import { whoRuns } from '../../api/client.ts'
import { socketFile } from '../../api/socket.ts'
import { FleetHome } from '../../fleet/fleet-home.ts'
import type { Project } from '../../project/project.ts'
import type { Session } from '../../session/session.ts'
import { rootEnd, rootEndText } from '../../signing/root-end.ts'
import type { SessionApi } from './listen.ts'
import type { GlobalOptions } from './options.ts'
import { note } from './output.ts'

/** A second of loading, which what is wrong with the project must not wait for. */
function loadMesh(): Promise<typeof import('../../session/session.ts')> {
  return import('../../session/session.ts')
}

/** Starts the controller, works, and stops it afterwards. */
export async function withSession<T>(
  project: Project,
  options: GlobalOptions,
  work: (session: Session, api: SessionApi) => Promise<T>,
): Promise<T> {
  const { session, api, stop } = await openSession(project, options)
  const { accepted } = session.peer.state
  const end = accepted && rootEnd(accepted.trusted, new Date())
  if (end !== undefined) note(options, rootEndText(end))
  try {
    return await work(session, api)
  } finally {
    await stop()
  }
}

export interface OpenSession {
  readonly session: Session
  /** What it answers other commands. */
  readonly api: SessionApi
  stop(): Promise<void>
}

/** Starts the controller; while it runs it answers commands that only read, since none of them can start another one. */
export async function openSession(project: Project, options: GlobalOptions): Promise<OpenSession> {
  const { startSession } = await loadMesh()
  const { apiOf, listenForCommands } = await import('./listen.ts')
  const started = startSession(project, options.log === undefined ? {} : { log: options.log })
  const session = await started.catch(async (thrown: unknown) => {
    if (!(thrown instanceof ThymeshError) || thrown.code !== 'in-use') throw thrown
    const who = await whoRuns(socketFile(new FleetHome(project.fleet).stateDirectory))
    if (who === undefined) throw thrown
    throw new HintedError('in-use', `the controller of this fleet already runs: ${who}`, {
      hint: 'Wait until it has ended, or end it: this command needs a controller of its own.',
      cause: thrown,
    })
  })
  const problem = session.peer.neighbours.listeningProblem
  if (problem !== undefined) note(options, `This controller ${problem}.`)
  const api = apiOf(session, project.directory)
  const server = await listenForCommands(session, api).catch((thrown: unknown) => {
    note(options, `Other commands can't ask this one while it runs: ${messageOf(thrown)}`)
    return undefined
  })
  const stop = async () => {
    const tasks = await api.tasks()
    // Other commands may have ordered them.
    for (const { kind, id } of tasks?.running ?? []) note(options, `Waiting for ${kind} (task ${id}) …`)
    await tasks?.settled()
    await api.web.stop()
    await server?.stop()
    await session.stop()
  }
  return { session, api, stop }
}

/** Takes in the mesh's news before a command shows or decides something; `without` is said when no peer has any. */
export async function takeNews(
  session: Session,
  options: GlobalOptions,
  waitSeconds: number,
  without?: string,
): Promise<void> {
  const { takeNews: take } = await import('../../session/news.ts')
  await take(session, text => note(options, text), waitSeconds, without)
}
