/** The gist of a report: what others judge a device by. A report is its own gist; peers keep no more of it in memory. */

import type { Member } from '../members/certificate.ts'
import type { Report } from './report.ts'

export type ReportGist = Pick<
  Report,
  'counter' | 'at' | 'since' | 'state' | 'site' | 'release' | 'wanted' | 'running'
> & { readonly error?: { readonly code: string } | undefined }

/** A member with the gist of its last report, if there is one. */
export type ListedMember = Member & { readonly report?: ReportGist | undefined }
