/** `thymesh status`: what every device runs and how it is. */

import type { ReadOptions } from '../shell/options.ts'
import { show } from '../shell/reader.ts'

export async function status(options: ReadOptions): Promise<undefined> {
  return await show('status', options, {})
}
