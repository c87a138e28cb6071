/** `thymesh log`: who signed what and when. */

import type { ReadOptions } from '../shell/options.ts'
import { show } from '../shell/reader.ts'

export async function log(options: ReadOptions): Promise<undefined> {
  return await show('log', options, {})
}
