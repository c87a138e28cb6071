/** `thymesh peers` and `thymesh netcheck`: connections and the network, of the controller or of this machine's daemon. */

import { setTimeout as sleep } from 'node:timers/promises'
import { askForNetwork, askForPeers, DoorError } from '../../../node/carry/ask-daemon.ts'
import { openProject, ProjectError } from '../../project/project.ts'
import { type Access, textOf, withAccess } from '../shell/access.ts'
import { daemonState } from '../shell/daemon-state.ts'
import { Drawing } from '../shell/draw.ts'
import { untilLeft } from '../shell/leaving.ts'
import { peersMs } from '../shell/limits.ts'
import type { ReadOptions } from '../shell/options.ts'
import { exitCodes, print } from '../shell/output.ts'

export interface NetworkOptions extends ReadOptions {
  /** Of the daemon of this machine, instead of the project's controller. */
  device: boolean
  state?: string
}

export interface PeersOptions extends NetworkOptions {
  watch: boolean
}

interface Asking<Answer> {
  ofDaemon(state: string): Promise<Answer>
  ofController(access: Access, wait: number): Promise<Answer>
}

export async function peers(options: PeersOptions): Promise<undefined> {
  const asking = {
    ofDaemon: askForPeers,
    ofController: (access: Access, wait: number) => access.ask('peers', {}, wait),
  }
  return await asked(options, asking, async ask => {
    if (!options.watch) {
      const answer = await ask(options.wait)
      print(options, answer, await textOf('peers', answer))
      return undefined
    }
    return await untilLeft(async left => {
      const drawing = new Drawing()
      for (let wait = options.wait; !left.aborted; wait = 0) {
        const answer = await ask(wait)
        const text = await textOf('peers', answer)
        if (options.json) print(options, answer, text)
        else drawing.show(text)
        await sleep(peersMs, undefined, { signal: left }).catch(() => {})
      }
      return undefined
    })
  })
}

export async function netcheck(options: NetworkOptions): Promise<number> {
  const asking = {
    ofDaemon: askForNetwork,
    ofController: (access: Access, wait: number) => access.ask('network', {}, wait),
  }
  return await asked(options, asking, async ask => {
    const answer = await ask(options.wait)
    print(options, answer, await textOf('network', answer))
    return answer.ok ? exitCodes.done : exitCodes.failed
  })
}

/** Works with the answers of the daemon, if that is wanted or there is no project here, else of the controller. */
async function asked<Answer, T>(
  options: NetworkOptions,
  { ofDaemon, ofController }: Asking<Answer>,
  work: (ask: (wait: number) => Promise<Answer>) => Promise<T>,
): Promise<T> {
  const daemon = async () => {
    const state = options.state ?? (await daemonState())
    return await work(() => ofDaemon(state))
  }
  if (options.device || options.state !== undefined) return await daemon()
  try {
    await openProject(options.project)
  } catch (thrown) {
    // On a device there is no project.
    if (!(thrown instanceof ProjectError) || thrown.code !== 'not-found') throw thrown
    return await daemon().catch(error => {
      throw error instanceof DoorError ? thrown : error
    })
  }
  return await withAccess(options, access => work(wait => ofController(access, wait)))
}
