/** Which controllers send alerts. */

import { type Certificate, isViewer } from '../../protocol/members/certificate.ts'
import type { Report } from '../../protocol/report/report.ts'
import { controllerSilenceMs } from './limits.ts'

interface Known {
  certificates(): Certificate[]
  report(peer: string): { readonly document: Report } | undefined
}

/** Controllers that send, by their reports: no others write any. */
export function sendingControllers(directory: Known, now: Date): Certificate[] {
  return directory.certificates().filter(each => {
    const at = directory.report(each.peer)?.document.at
    const isHeard = at !== undefined && now.getTime() - Date.parse(at) < controllerSilenceMs
    return each.role === 'controller' && !isViewer(each) && isHeard
  })
}
