/**
 * Peers of a mesh without stores of their own, several in one process: for the cases about talk, not about closures. Says
 * in lines of JSON when its peers are admitted and when each trusts a new release; dials what it is told on standard input.
 */

import { createInterface } from 'node:readline'
import { multiaddr } from '@multiformats/multiaddr'
import { membershipOf } from '../../../node/peer/membership.ts'
import { MeshPeer } from '../../../node/peer/mesh-peer.ts'
import { limitBufferPool } from '../../../node/process/buffer-pool.ts'
import { makeLogger } from '../../../node/process/log.ts'
import { parseSettings } from '../../../node/settings/settings.ts'
import { openState } from '../../../node/state/peer-state.ts'

export interface PeersSettings {
  readonly directory: string
  readonly token: string
  /** Their names are peer-`first`, peer-`first + 1`, …; they listen at ports from `port` on. */
  readonly first: number
  readonly count: number
  readonly address: string
  readonly port: number
  readonly mdns?: boolean
}

/** Peer → multiaddrs that it dials. */
export type DialOrder = { readonly dial: Readonly<Record<string, readonly string[]>> }
/** Asks how many connections each peer has. */
export type CountOrder = { readonly count: true }

export type PeersNews =
  | { readonly ready: Readonly<Record<string, string>> }
  | { readonly peer: string; readonly release: number; readonly at: number }
  | { readonly connections: Readonly<Record<string, number>>; readonly trusted: Readonly<Record<string, number>> }

const redialMs = 2_000

const tell = (news: PeersNews) => process.stdout.write(`${JSON.stringify(news)}\n`)
const now = () => performance.timeOrigin + performance.now()

// As the program does.
limitBufferPool()
if (import.meta.main) await main(JSON.parse(process.argv[2] ?? '{}'))

async function main(settings: PeersSettings): Promise<void> {
  const peers = new Map<string, MeshPeer>()
  const ready: Record<string, string> = {}
  for (let number = settings.first; number < settings.first + settings.count; number++) {
    const name = `peer-${number}`
    const listen = `/ip4/${settings.address}/tcp/${settings.port + number - settings.first}`
    const peer = await startPeer(settings, name, listen)
    peers.set(name, peer)
    ready[name] = `${listen}/p2p/${peer.identity.peerId}`
    peer.state.on('changed', () => tell({ peer: name, release: peer.state.accepted?.release.version ?? 0, at: now() }))
  }
  tell({ ready })
  process.once('SIGTERM', () => process.exit(0))
  createInterface({ input: process.stdin }).on('line', line => {
    const order: DialOrder | CountOrder = JSON.parse(line)
    if ('dial' in order) {
      keepDialling(peers, order.dial)
    } else {
      const of = (read: (peer: MeshPeer) => number) => {
        return Object.fromEntries([...peers].map(([name, peer]) => [name, read(peer)]))
      }
      const trusted = of(peer => peer.state.accepted?.release.version ?? 0)
      tell({ connections: of(peer => peer.admission.members.length), trusted })
    }
  })
}

/** As the dial supervisor would, for these alone: a busy machine loses hellos, and a peer that joins is refused at first. */
function keepDialling(peers: ReadonlyMap<string, MeshPeer>, dials: DialOrder['dial']): void {
  const dial = async (name: string, text: string) => {
    const { host } = peers.get(name) ?? {}
    const address = multiaddr(text)
    const id = address.getComponents().findLast(component => component.name === 'p2p')?.value
    if (host === undefined || host.getPeers().some(peer => peer.toString() === id)) return
    await host.dial(address)
  }
  const dialAll = () => {
    for (const [name, addresses] of Object.entries(dials)) {
      // A dial that fails shows in the connections that are counted.
      if (peers.has(name)) for (const address of addresses) dial(name, address).catch(() => {})
    }
  }
  setInterval(dialAll, redialMs)
  dialAll()
}

/** A member that joins with the token; it dials by itself only what `bootstrap` names. */
export async function startPeer(
  options: Pick<PeersSettings, 'directory' | 'token' | 'mdns'> & { bootstrap?: readonly string[] },
  name: string,
  listen: string,
): Promise<MeshPeer> {
  const { directory, token, bootstrap, mdns = false } = options
  const settings = parseSettings(
    { state: `${directory}/${name}`, listen: [listen], mdns, join: { token, name }, bootstrap },
    'settings',
  )
  const state = await openState(settings)
  const { certificate, envelope } = await membershipOf(state, settings)
  const peer = await MeshPeer.make({
    fleet: certificate.fleet,
    certificate: envelope,
    settings,
    state,
    log: makeLogger('silent'),
  })
  await peer.start()
  // The case decides which peers are connected.
  if (bootstrap === undefined) peer.supervisor.stop()
  return peer
}
