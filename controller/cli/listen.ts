/** A controller at work answers what commands that only read ask it. */

import { setTimeout as sleep } from 'node:timers/promises'
import { ZodError } from 'zod'
import { notUnderstood, socketFile } from '../local/messages.ts'
import { LocalServer } from '../local/server.ts'
import type { Session } from '../session.ts'
import { isQuery, runQuery } from './queries.ts'

export async function listenForQueries(session: Session): Promise<LocalServer> {
  const { peer, home } = session
  return await LocalServer.start(socketFile(home.stateDirectory), async ({ query, options, newsSeconds }) => {
    if (!isQuery(query)) throw notUnderstood()
    const deadline = Date.now() + newsSeconds * 1000
    while (peer.admission.members.length === 0 && Date.now() < deadline) await sleep(50)
    const shown = await runQuery(session, query, options).catch((thrown: unknown) => {
      throw thrown instanceof ZodError ? notUnderstood() : thrown
    })
    return { v: 1, json: { ...shown.json }, text: shown.text, alone: peer.admission.members.length === 0 }
  })
}
