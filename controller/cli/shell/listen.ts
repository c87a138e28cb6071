/** A controller at work answers what commands that only read ask it. */

import { setTimeout as sleep } from 'node:timers/promises'
import { ZodError, z } from 'zod'
import { askRunning } from '../../local/client.ts'
import { notUnderstood, socketFile } from '../../local/messages.ts'
import { LocalServer } from '../../local/server.ts'
import type { Session } from '../../session/session.ts'
import { answerQuestion, isQuestion } from './questions.ts'

/** The running controller, for the error of a second one. */
const whoQuery = 'who'
const whoSchema = z.object({ json: z.object({ pid: z.int(), command: z.string().max(100) }) })

/** Such as `thymesh serve` (process 123); nothing where nobody answers. */
export async function whoRuns(stateDirectory: string): Promise<string | undefined> {
  const request = { v: 1 as const, query: whoQuery, newsSeconds: 0, options: {} }
  const answer = await askRunning(socketFile(stateDirectory), request).catch(() => undefined)
  const who = whoSchema.safeParse(answer).data?.json
  return who && `\`thymesh ${who.command}\` (process ${who.pid})`
}

/** The command's name, without what it was given: that may hold a secret. */
function commandOf([, , command = '']: readonly string[]): string {
  return /^[a-z-]{1,40}$/.test(command) ? command : ''
}

export async function listenForQueries(session: Session): Promise<LocalServer> {
  const { peer, home } = session
  return await LocalServer.start(socketFile(home.stateDirectory), async ({ query, options, newsSeconds }) => {
    if (query === whoQuery)
      return { v: 1, json: { pid: process.pid, command: commandOf(process.argv) }, text: '', alone: false }
    if (!isQuestion(query)) throw notUnderstood()
    const deadline = Date.now() + newsSeconds * 1000
    while (peer.neighbours.members.length === 0 && Date.now() < deadline) await sleep(50)
    const shown = await answerQuestion(session, query, options).catch((thrown: unknown) => {
      throw thrown instanceof ZodError ? notUnderstood() : thrown
    })
    return { v: 1, json: { ...shown.json }, text: shown.text, alone: peer.neighbours.members.length === 0 }
  })
}
