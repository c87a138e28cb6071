/** `thymesh support NAME`: one text for somebody who helps, shown to its owner first. */

import { writeFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { HintedError, messageOf } from '../../../protocol/errors.ts'
import { supportSummary } from '../../views/support.ts'
import { withAccess } from '../shell/access.ts'
import { newsSeconds } from '../shell/limits.ts'
import type { ReadOptions } from '../shell/options.ts'
import { note, print } from '../shell/output.ts'

export interface SupportOptions extends ReadOptions {
  device: string
  save?: string
}

export async function support(options: SupportOptions): Promise<undefined> {
  const { device, wait, save } = options
  const made = await withAccess(options, access => access.ask('support', { name: device, wait }, newsSeconds))
  if (save === undefined) {
    print(options, made, made.text)
    note(options, supportSummary(made))
    return undefined
  }
  const file = resolve(save)
  try {
    await writeFile(file, made.text, { mode: 0o600, flag: 'wx' })
  } catch (cause) {
    throw new HintedError('not-written', `${file} was not written: ${messageOf(cause)}`, {
      hint: 'Choose the name of a file that is not there yet, in a folder that is.',
      cause,
    })
  }
  const { text: _, ...about } = made
  print(options, { ...about, file }, `Written: ${file}\n${supportSummary(made)}`)
  return undefined
}
