/** `thymesh members` and `thymesh members renew`: lists members, and signs new certificates. */

import { shortId, table } from '../../format/table.ts'
import { findMembers } from '../../members/find.ts'
import { openProject } from '../../project/project.ts'
import { takeNews, withSession } from '../shell/context.ts'
import type { ReadOptions } from '../shell/options.ts'
import { note, print } from '../shell/output.ts'
import { show } from '../shell/reader.ts'

export async function members(options: ReadOptions): Promise<undefined> {
  return await show('members', options, {})
}

export interface RenewOptions extends ReadOptions {
  members: string[]
}

export async function renew(options: RenewOptions): Promise<undefined> {
  const project = await openProject(options.project)
  return await withSession(project, options, async session => {
    const { peer, registrar, home } = session
    const signed: { name: string; peer: string; expires: string }[] = []
    registrar.on('decided', ({ kind, certificate: { name, peer: id } }) => {
      const expires = peer.directory.certificate(id)?.document.expires
      if (kind !== 'hold' && expires !== undefined) signed.push({ name, peer: id, expires })
    })
    await takeNews(session, options, options.wait)
    if (options.members.length === 0) await registrar.settle()
    else {
      const chosen = findMembers(peer.directory.certificates(), options.members).map(each => each.peer)
      await registrar.sign(
        chosen.filter(id => !signed.some(each => each.peer === id)),
        await home.keys(),
      )
    }
    const told = await peer.neighbours.sync()
    if (signed.length > 0) note(options, `Delivered to ${told} connected peers, which relay it.`)
    const lines = signed.map(({ name, peer: id, expires }) => [name, shortId(id), expires])
    const text =
      signed.length === 0 ? 'No member asks for a new certificate.' : table(['MEMBER', 'PEER', 'EXPIRES'], lines)
    print(options, { signed, told }, text)
    return undefined
  })
}
