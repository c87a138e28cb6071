/** `thymesh promote`: opens waves of the current release that wait or are held. */

import { withAccess } from '../shell/access.ts'
import { type ReleaseOptions, release } from './release.ts'

type PromoteOptions = ReleaseOptions & { wave?: number }

export async function promote(options: PromoteOptions): Promise<number> {
  return await withAccess(options, access => release(access, 'promote', { wave: options.wave }, options))
}
