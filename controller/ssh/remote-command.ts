/** Runs one command on a device over the mesh, for the page: what `thymesh run` does with the system's ssh. */

import type ssh2 from 'ssh2'
import type { Session } from '../session/session.ts'
import { connectSsh, type SshPlace } from './connect.ts'
import { maxCommandOutput } from './limits.ts'

export interface RemoteResult {
  /** Nothing where a signal or the end of the link has ended it. */
  readonly exitCode: number | null
  /** Standard output and errors as they came, the last of them. */
  readonly output: string
  readonly timedOut: boolean
}

/** Throws what `connectSsh` throws. */
export async function runRemote(
  session: Session,
  place: SshPlace,
  command: string,
  limitMs: number,
): Promise<RemoteResult> {
  const { client } = await connectSsh(session, place, 'exec')
  try {
    const channel = await new Promise<ssh2.ClientChannel>((resolve, reject) => {
      client.exec(command, (error, opened) => (error ? reject(error) : resolve(opened)))
    })
    let output = ''
    let timedOut = false
    const take = (text: string) => {
      output = (output + text).slice(-maxCommandOutput)
    }
    channel.setEncoding('utf8').on('data', take)
    channel.stderr.setEncoding('utf8').on('data', take)
    const exitCode = await new Promise<number | null>(resolve => {
      const limit = setTimeout(() => {
        timedOut = true
        client.end()
      }, limitMs)
      let code: number | null = null
      channel.once('exit', (given: number | null) => {
        code = given
      })
      // The channel of a link that is lost closes too.
      channel.once('close', () => {
        clearTimeout(limit)
        resolve(code)
      })
      client.once('close', () => channel.destroy())
    })
    return { exitCode, output, timedOut }
  } finally {
    client.end()
  }
}
