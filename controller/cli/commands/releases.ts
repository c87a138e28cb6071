/** `thymesh releases`: what was released, when, and what it was built from. */

import type { ReadOptions } from '../shell/options.ts'
import { show } from '../shell/reader.ts'

export async function releases(options: ReadOptions): Promise<undefined> {
  return await show('releases', options, {})
}
