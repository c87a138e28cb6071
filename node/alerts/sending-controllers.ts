/** Which controllers send alerts. */

import { isViewer, type Member } from '../../protocol/members/certificate.ts'
import type { ListedMember } from '../../protocol/report/gist.ts'
import { controllerSilenceMs } from './limits.ts'

interface Known {
  members(): readonly ListedMember[]
}

/** Controllers that send, by their reports: no others write any. */
export function sendingControllers(directory: Known, now: Date): Member[] {
  return directory.members().filter(each => {
    const at = each.report?.at
    const isHeard = at !== undefined && now.getTime() - Date.parse(at) < controllerSilenceMs
    return each.role === 'controller' && !isViewer(each) && isHeard
  })
}
