/** Work with the project's controller in the mesh, for as long as one command runs. */

import { HintedError, messageOf, ThymeshError } from '../../../protocol/errors.ts'
import { FleetHome } from '../../fleet/fleet-home.ts'
import type { Project } from '../../project/project.ts'
import type { Session } from '../../session/session.ts'
import { rootEnd, rootEndText } from '../../signing/root-end.ts'
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
  work: (session: Session) => Promise<T>,
): Promise<T> {
  const { session, stop } = await openSession(project, options)
  const { accepted } = session.peer.state
  const end = accepted && rootEnd(accepted.trusted, new Date())
  if (end !== undefined) note(options, rootEndText(end))
  try {
    return await work(session)
  } finally {
    await stop()
  }
}

/** Starts the controller; while it runs it answers commands that only read, since none of them can start another one. */
export async function openSession(
  project: Project,
  options: GlobalOptions,
): Promise<{ session: Session; stop(): Promise<void> }> {
  const { startSession } = await loadMesh()
  const { listenForQueries, whoRuns } = await import('./listen.ts')
  const started = startSession(project, options.log === undefined ? {} : { log: options.log })
  const session = await started.catch(async (thrown: unknown) => {
    if (!(thrown instanceof ThymeshError) || thrown.code !== 'in-use') throw thrown
    const who = await whoRuns(new FleetHome(project.fleet).stateDirectory)
    if (who === undefined) throw thrown
    throw new HintedError('in-use', `the controller of this fleet already runs: ${who}`, {
      hint: 'Wait until it has ended, or end it. Only commands that read can run beside it.',
      cause: thrown,
    })
  })
  const problem = session.peer.neighbours.listeningProblem
  if (problem !== undefined) note(options, `This controller ${problem}.`)
  const server = await listenForQueries(session).catch((thrown: unknown) => {
    note(options, `Other commands can't ask this one while it runs: ${messageOf(thrown)}`)
    return undefined
  })
  const stop = async () => {
    await server?.stop()
    await session.stop()
  }
  return { session, stop }
}

export const nobodyInReach = 'No peer is in reach: this is the last known state.'

/** Takes in the mesh's news before a command shows or decides something; `without` is said when no peer has any. */
export async function takeNews(
  session: Session,
  options: GlobalOptions,
  waitSeconds: number,
  without = nobodyInReach,
): Promise<void> {
  const { gather } = await loadMesh()
  await gather(session, waitSeconds * 1000)
  if (session.peer.neighbours.members.length === 0) note(options, without)
}
