/** The extension of a report with the device's host key for SSH: the report's signature makes it known without trust on first use. */

import type { Extensions } from '../encoding/extensions.ts'
import { sshKeySchema } from '../release/ssh-key.ts'
import type { Report } from './report.ts'

const name = 'ssh-host-key'

/** What a device says in its reports. */
export function hostKeyExtension(key: string): Extensions {
  return { [name]: key }
}

/** The host key of a device; undefined for one of the version before. */
export function hostKeyIn({ extensions }: Pick<Report, 'extensions'>): string | undefined {
  return sshKeySchema.safeParse(extensions?.[name]).data
}
