/** `thymesh revoke`: ends memberships. */

import { deliverHead } from '../../members/delivery.ts'
import { findMembers } from '../../members/find.ts'
import { RevokeError, revoke } from '../../members/revoke.ts'
import { openProject } from '../../project/project.ts'
import { takeNews, withSession } from '../shell/context.ts'
import type { ProjectOptions } from '../shell/options.ts'
import { note, print } from '../shell/output.ts'

export interface RevokeOptions extends ProjectOptions {
  members: string[]
  reason?: string
  wait: number
}

export async function revokeMembers(options: RevokeOptions): Promise<undefined> {
  const project = await openProject(options.project)
  return await withSession(project, options, async session => {
    const { peer, home } = session
    await takeNews(session, options, options.wait, 'No peer is in reach: the revocation goes out when one is.')
    const chosen = findMembers(peer.directory.certificates(), options.members)
    if (chosen.some(each => each.peer === peer.peerId)) {
      throw new RevokeError('own', 'expected another member, got this controller: it can not revoke itself', {
        hint: 'Revoke it from another controller of the fleet.',
      })
    }
    const about = options.reason === undefined ? {} : { reason: options.reason }
    const revocations = chosen.map(({ peer: subject, name }) => ({ kind: 'peer' as const, subject, name, ...about }))
    await revoke(peer, revocations, await home.keys(), new Date())
    const told = await deliverHead(peer, options.wait * 1000)
    note(options, told.length > 0 ? `Delivered to ${told.join(', ')}, who relay it.` : 'No peer has it yet.')
    const revoked = chosen.map(({ name, peer: id }) => ({ name, peer: id }))
    print(options, { revoked, told }, revoked.map(({ name, peer: id }) => `Revoked ${name} (${id}).`).join('\n'))
    return undefined
  })
}
