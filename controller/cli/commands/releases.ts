/** `thymesh releases`: what was released, when, and what it was built from. */

import { show } from '../shell/access.ts'
import type { ReadOptions } from '../shell/options.ts'

export async function releases(options: ReadOptions): Promise<undefined> {
  return await show('releases', options, {})
}
