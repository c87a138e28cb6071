/** `thymesh rollout`: the waves of the newest release, how far each is, and why it waits. */

import { setTimeout as sleep } from 'node:timers/promises'
import { DrawnLines, writeText } from '../../format/terminal.ts'
import { untilLeft } from '../shell/leaving.ts'
import { redrawMs } from '../shell/limits.ts'
import type { ReadOptions } from '../shell/options.ts'
import { print } from '../shell/output.ts'
import { type Reader, show, withReader } from '../shell/reader.ts'

interface RolloutOptions extends ReadOptions {
  watch: boolean
  site?: string
}

export async function rollout(options: RolloutOptions): Promise<undefined> {
  const about = options.site === undefined ? {} : { site: options.site }
  if (!options.watch) return await show('rollout', options, about)
  return await withReader(options, reader => keepShowing(reader, options, about))
}

/** Draws it anew, in place on a terminal and elsewhere where it has changed, until the rollout is over or the operator leaves; with --json its end is all that is printed. */
async function keepShowing(reader: Reader, options: RolloutOptions, about: { site?: string }): Promise<undefined> {
  const lines = new DrawnLines(process.stdout)
  let drawn = ''
  return await untilLeft(async left => {
    for (;;) {
      const { json, text } = await reader.ask('rollout', about, drawn === '' ? options.wait : 0)
      const over = left.aborted || ('complete' in json && json.complete === true)
      if (options.json) {
        if (over) print(options, json, text)
      } else if (process.stdout.isTTY) lines.draw(text.split('\n'))
      else if (text !== drawn) writeText('stdout', `${drawn === '' ? '' : '\n'}${text}`)
      drawn = text
      if (over) return undefined
      await sleep(redrawMs, undefined, { signal: left }).catch(() => {})
    }
  })
}
