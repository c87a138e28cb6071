/** Waiting until what was signed has left this machine: a controller may go a moment later. */

import { setTimeout as sleep } from 'node:timers/promises'
import type { MeshPeer } from '../../node/peer/mesh-peer.ts'
import { equalBytes } from '../../protocol/encoding/hash.ts'
import { limits } from '../../protocol/limits.ts'

/** Names of the connected members that have our head by now, or at the deadline. */
export async function deliverHead(peer: MeshPeer, limitMs: number): Promise<string[]> {
  const deadline = Date.now() + limitMs
  for (;;) {
    const { members } = peer.admission
    const has = await Promise.all(members.map(async member => (await hasHead(peer, member.peer)) && member))
    const told = has.filter(each => each !== false).map(({ certificate }) => certificate.name)
    if (told.length === members.length || Date.now() >= deadline) return told
    await Promise.all(members.map(member => peer.sync.with(member.peer)))
    await sleep(200)
  }
}

/** Brings new certificates to every connected member, who pass them on. */
export async function deliverCertificates(peer: MeshPeer): Promise<number> {
  const { members } = peer.admission
  await Promise.all(members.map(member => peer.sync.with(member.peer)))
  return members.length
}

async function hasHead(peer: MeshPeer, of: Parameters<MeshPeer['documents']['ask']>[0]): Promise<boolean> {
  try {
    const head = await peer.documents.ask(of, { head: true }, limits.timestamp)
    const ours = peer.state.head?.timestamp
    return head !== undefined && ours !== undefined && equalBytes(head, ours)
  } catch {
    return false
  }
}
