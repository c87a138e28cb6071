/** Devices of the version before, which follow a release without checking what its critical extensions say, or can't read it. */

import type { ControllerPeer } from '../../node/peer/controller-peer.ts'
import { shardsExtension } from '../../protocol/release/shards.ts'
import { understoodBy } from '../../protocol/report/understands.ts'
import type { ReleaseContent } from '../../protocol/trust/publish.ts'

/** Names that a note tells; the others are counted. */
const toldNames = 20

/** Notes that name the release's devices whose reports don't say that they understand all of it, as it is signed. */
export function skewNotes(
  { directory }: Pick<ControllerPeer, 'directory'>,
  { devices }: Pick<ReleaseContent, 'devices'>,
  { extensions }: Pick<ReleaseContent, 'extensions'>,
): string[] {
  const behind = (critical: readonly string[]) => {
    const names = directory.certificates().flatMap(({ peer, name, role }) => {
      const report = directory.report(peer)?.document
      const reads = report && understoodBy(report)
      const lacks = reads && critical.some(each => !reads.includes(each))
      return role === 'device' && Object.hasOwn(devices, name) && lacks ? [name] : []
    })
    const told = names.sort().slice(0, toldNames).join(', ')
    return names.length > toldNames ? `${told} and ${names.length - toldNames} more` : told
  }
  const critical = extensions?.critical ?? []
  if (critical.includes(shardsExtension)) {
    const names = behind([shardsExtension])
    return names === ''
      ? []
      : [`Note: ${names} run a version that reads no release of this size: they keep what they run. Update them first.`]
  }
  const names = behind(critical)
  return names === ''
    ? []
    : [`Note: ${names} run the version before, and follow this release without checking its ${critical.join(', ')}.`]
}
