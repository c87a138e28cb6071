/** `thymesh device NAME`: one device, and how releases went on it. */

import { show } from '../shell/access.ts'
import type { ReadOptions } from '../shell/options.ts'

export interface DeviceOptions extends ReadOptions {
  name: string
}

export async function device(options: DeviceOptions): Promise<undefined> {
  return await show('device', options, { name: options.name })
}
