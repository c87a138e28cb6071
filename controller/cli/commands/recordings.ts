/** `thymesh recordings NAME [ID]`: the sessions that a device has recorded; one is played, or written to a file. */

import { writeFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { visibleFields } from '../../../protocol/encoding/visible.ts'
import { HintedError } from '../../../protocol/errors.ts'
import { readCast } from '../../format/asciicast.ts'
import { replayOf } from '../../format/replay.ts'
import { ReplayedTerminal } from '../../format/terminal.ts'
import { recordingsText } from '../../views/recordings.ts'
import { withAccess } from '../shell/access.ts'
import { untilLeft } from '../shell/leaving.ts'
import { newsSeconds } from '../shell/limits.ts'
import type { ProjectOptions } from '../shell/options.ts'
import { print } from '../shell/output.ts'

export interface RecordingsOptions extends ProjectOptions {
  device: string
  recording?: string
  save?: string
  speed: number
  wait: number
}

export async function recordings(options: RecordingsOptions): Promise<undefined> {
  const { device, wait, recording: id } = options
  await withAccess(options, async access => {
    const news = Math.min(newsSeconds, wait)
    if (id === undefined) {
      if (options.save !== undefined) {
        throw new HintedError('no-recording', 'expected the ID of a recording for --save, got none', {
          hint: `These are there: thymesh recordings ${device}`,
        })
      }
      const list = await access.ask('recordings', { device, wait }, news)
      print(options, list, recordingsText(visibleFields(list)))
      return
    }
    const answer = await access.ask('recording', { device, id, wait }, news)
    if (options.save !== undefined) {
      const file = resolve(options.save)
      await writeFile(file, answer.cast, { flag: 'wx', mode: 0o600 })
      print(
        options,
        { ...answer, cast: '', file },
        `The recording is in ${file}.${answer.whole ? '' : ' Its end is missing.'}`,
      )
    } else if (options.json) print(options, answer, '')
    else await play(answer.cast, options.speed)
  })
  return undefined
}

async function play(cast: string, speed: number): Promise<void> {
  const shown = replayOf(readCast(cast).events)
  const terminal = new ReplayedTerminal()
  await untilLeft(async signal => {
    try {
      let before = 0
      for (const { at, text } of shown) {
        const pause = terminal.watched ? ((at - before) * 1000) / speed : 0
        if (pause > 0) await sleep(pause, undefined, { signal }).catch(() => {})
        if (signal.aborted) break
        terminal.show(text)
        before = at
      }
    } finally {
      terminal.end()
    }
  })
}
