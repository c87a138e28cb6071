/** `thymesh device NAME`: one device, and how releases went on it. */

import type { ReadOptions } from '../shell/options.ts'
import { show } from '../shell/reader.ts'

export interface DeviceOptions extends ReadOptions {
  name: string
}

export async function device(options: DeviceOptions): Promise<undefined> {
  return await show('device', options, { name: options.name })
}
