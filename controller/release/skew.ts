/** Devices of the version before, which follow a release without checking what its critical extensions say. */

import type { ControllerPeer } from '../../node/peer/controller-peer.ts'
import { understoodBy } from '../../protocol/report/understands.ts'
import type { ReleaseContent } from '../../protocol/trust/publish.ts'

/** A note that names the release's devices whose reports don't say that they understand all of it; undefined if there are none. */
export function skewNote(
  { directory }: Pick<ControllerPeer, 'directory'>,
  { devices, extensions }: Pick<ReleaseContent, 'devices' | 'extensions'>,
): string | undefined {
  const critical = extensions?.critical ?? []
  const behind = directory.certificates().filter(({ peer, name, role }) => {
    const report = directory.report(peer)?.document
    const reads = report && understoodBy(report)
    return role === 'device' && Object.hasOwn(devices, name) && reads && critical.some(each => !reads.includes(each))
  })
  if (behind.length === 0) return undefined
  const names = behind.map(({ name }) => name).sort()
  return `Note: ${names.join(', ')} run the version before, and follow this release without checking its ${critical.join(', ')}.`
}
