/** How far the build of a config is, as a task tells it. */

import type { Progress } from '../api/schemas/task.ts'
import type { NixActivity } from '../nix/nix-activity.ts'

export function buildProgress(config: string, activity: NixActivity): Progress | undefined {
  const { progress } = activity
  if (progress === undefined) return undefined
  const { names, ...counts } = progress
  return { step: `Building ${config}${names.length > 0 ? `: ${names.join(', ')}` : ''}`, ...counts }
}
