/** `thymesh rollout`: the waves of the newest release, how far each is, and why it waits. */

import { setTimeout as sleep } from 'node:timers/promises'
import { type Access, show, textOf, withAccess } from '../shell/access.ts'
import { Drawing } from '../shell/draw.ts'
import { untilLeft } from '../shell/leaving.ts'
import { redrawMs } from '../shell/limits.ts'
import type { ReadOptions } from '../shell/options.ts'
import { print } from '../shell/output.ts'

interface RolloutOptions extends ReadOptions {
  watch: boolean
  site?: string
}

export async function rollout(options: RolloutOptions): Promise<undefined> {
  const about = options.site === undefined ? {} : { site: options.site }
  if (!options.watch) return await show('rollout', options, about)
  return await withAccess(options, access => keepShowing(access, options, about))
}

/** Draws it anew until the rollout is over or the operator leaves; with --json its end is all that is printed. */
async function keepShowing(access: Access, options: RolloutOptions, about: { site?: string }): Promise<undefined> {
  const drawing = new Drawing()
  let drawn = ''
  return await untilLeft(async left => {
    for (;;) {
      const answer = await access.ask('rollout', about, drawn === '' ? options.wait : 0)
      const text = await textOf('rollout', answer)
      const over = left.aborted || answer.complete
      if (options.json) {
        if (over) print(options, answer, text)
      } else drawing.show(text)
      drawn = text
      if (over) return undefined
      await sleep(redrawMs, undefined, { signal: left }).catch(() => {})
    }
  })
}
