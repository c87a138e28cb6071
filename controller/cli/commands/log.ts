/** `thymesh log`: who signed what and when. */

import { show } from '../shell/access.ts'
import type { ReadOptions } from '../shell/options.ts'

export async function log(options: ReadOptions): Promise<undefined> {
  return await show('log', options, {})
}
