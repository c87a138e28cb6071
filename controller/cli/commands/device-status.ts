/** `thymesh status` on a device: what its daemon says of itself and of its site. */

import { setTimeout as sleep } from 'node:timers/promises'
import { type OwnStatus, ownStatusSchema, type SiteStatus, siteSchema } from '../../../node/api/schemas.ts'
import { apiSockets } from '../../../node/api/socket-place.ts'
import { HintedError } from '../../../protocol/errors.ts'
import { callRunning } from '../../api/client.ts'
import { deviceText } from '../../views/own-device.ts'
import { daemonState } from '../shell/daemon-state.ts'
import { Drawing } from '../shell/draw.ts'
import { untilLeft } from '../shell/leaving.ts'
import { deviceAgainMs } from '../shell/limits.ts'
import type { GlobalOptions } from '../shell/options.ts'
import { print } from '../shell/output.ts'

interface Options extends GlobalOptions {
  watch: boolean
  /** The daemon's; missing for that of the machine. */
  state?: string
}

interface Answer {
  readonly own: OwnStatus
  readonly site: SiteStatus
}

/** Whether this machine has a daemon that could be shown. Throws where one was asked for, or is there and does not answer. */
export async function showDevice(options: Options): Promise<boolean> {
  const files = apiSockets(options.state ?? (await daemonState()))
  const answer = await answerAt(files)
  if (answer === undefined) {
    if (options.state === undefined) return false
    throw noAnswer(files)
  }
  if (options.watch) await keepShowing(answer, files, options)
  else print(options, answer, deviceText(answer))
  return true
}

/** Until the operator leaves; with `--json` one object a line, for each answer that is another one. */
async function keepShowing(first: Answer, files: readonly string[], options: Options): Promise<void> {
  await untilLeft(async left => {
    const drawing = new Drawing()
    let last = ''
    for (let answer = first; ; ) {
      const json = JSON.stringify(answer)
      if (!options.json) drawing.show(deviceText(answer))
      else if (json !== last) print(options, answer, '')
      last = json
      await sleep(deviceAgainMs, undefined, { signal: left }).catch(() => {})
      if (left.aborted) return
      const next = await answerAt(files)
      if (next === undefined) throw noAnswer(files)
      answer = next
    }
  })
}

async function answerAt(files: readonly string[]): Promise<Answer | undefined> {
  const silent: string[] = []
  for (const file of files) {
    const [own, site] = [await callRunning(file, { path: '/v1/status' }), await callRunning(file, { path: '/v1/site' })]
    if (own === 'nobody' || site === 'nobody') continue
    if (own === 'left' || site === 'left') {
      silent.push(file)
      continue
    }
    const parsed = [ownStatusSchema.safeParse(own.json), siteSchema.safeParse(site.json)] as const
    if (parsed[0].success && parsed[1].success) return { own: parsed[0].data, site: parsed[1].data }
    throw new HintedError('not-understood', 'the daemon answered in another form', {
      hint: 'Restart the daemon: it runs another version than this command.',
    })
  }
  if (silent.length > 0) throw noAnswer(silent)
  return undefined
}

function noAnswer(files: readonly string[]): HintedError {
  const places = files.join(' or ')
  return new HintedError('no-daemon', `expected the daemon of a device to answer at ${places}, none does`, {
    hint: 'Start it, or name its state with --state DIRECTORY. Run the command as root or in the group thymesh; in a project it asks controllers.',
  })
}
