/** `thymesh status`: what every device runs and how it is. */

import { type Access, show, textOf, withAccess } from '../shell/access.ts'
import { Drawing } from '../shell/draw.ts'
import { untilLeft } from '../shell/leaving.ts'
import { agesMs } from '../shell/limits.ts'
import type { ReadOptions } from '../shell/options.ts'
import { print } from '../shell/output.ts'

export interface StatusOptions extends ReadOptions {
  watch: boolean
}

export async function status(options: StatusOptions): Promise<undefined> {
  if (!options.watch) return await show('status', options, {})
  return await withAccess(options, access => keepShowing(access, options))
}

/** Anew with each change, on a terminal also now and then, until the operator leaves; with `--json` one object a line. */
async function keepShowing(access: Access, options: StatusOptions): Promise<undefined> {
  return await untilLeft(async left => {
    const changes = await access.changes(left)
    const drawing = new Drawing()
    for (let wait = options.wait; ; wait = 0) {
      const answer = await access.ask('status', {}, wait)
      const text = await textOf('status', answer)
      if (options.json) print(options, answer, text)
      else drawing.show(text)
      // The ages of reports grow without any news.
      await changes.next(!options.json && drawing.isInPlace ? agesMs : undefined)
      if (left.aborted) return undefined
    }
  })
}
