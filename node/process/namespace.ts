/** The namespaces of Linux (namespaces(7)) that this process lives in: what another one has of the same name may be something else. */

import { readlinkSync } from 'node:fs'

/** The number of this process' namespace of a kind, which is the same for all who live in it; nothing where there is no /proc. */
export function namespaceOf(kind: 'pid' | 'net'): string | undefined {
  try {
    return /\d+/.exec(readlinkSync(`/proc/self/ns/${kind}`))?.[0]
  } catch {
    return undefined
  }
}
