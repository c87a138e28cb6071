/** `thymesh rollback`: a new release with the configs of an older one. */

import { withAccess } from '../shell/access.ts'
import { type ReleaseOptions, release } from './release.ts'

type RollbackOptions = ReleaseOptions & { to?: number; device: string[]; tag: string[] }

export async function rollback(options: RollbackOptions): Promise<number> {
  const { to, device, tag } = options
  return await withAccess(options, access => release(access, 'rollback', { to, device, tag }, options))
}
