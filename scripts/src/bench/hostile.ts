/**
 * A member of the mesh that says it has every chunk of every release, and then sends wrong bytes, or nothing at all. Says
 * on standard output, in lines of JSON, when it is ready and when it was asked for something the first time.
 */

import { randomBytes } from 'node:crypto'
import type { Stream } from '@libp2p/interface'
import { FrameStream } from '../../../node/swarm/session/frame-stream.ts'
import { hashOfCid } from '../../../protocol/encoding/cid.ts'
import { equalBytes } from '../../../protocol/encoding/hash.ts'
import { type PeersSettings, startPeer } from './peers.ts'

export type Malice = 'lies' | 'stalls'

export interface HostileSettings extends Pick<PeersSettings, 'directory' | 'token'> {
  readonly name: Malice
  readonly listen: string
  /** Multiaddrs that it dials. */
  readonly dial: readonly string[]
}

export type HostileNews = { readonly ready: string } | { readonly asked: number }

const tell = (news: HostileNews) => process.stdout.write(`${JSON.stringify(news)}\n`)

if (import.meta.main) await main(JSON.parse(process.argv[2] ?? '{}'))

async function main(settings: HostileSettings): Promise<void> {
  const peer = await startPeer({ ...settings, bootstrap: settings.dial }, settings.name, settings.listen)
  await peer.host.unhandle(peer.names.swarm)
  const countOf = async (closure: Uint8Array): Promise<number> => {
    const configs = Object.values(peer.state.accepted?.release.configs ?? {})
    const config = configs.find(each => equalBytes(hashOfCid(each.closure), closure))
    return config === undefined ? 0 : (await peer.closures.get(config)).list.count
  }
  const converse = async (frames: FrameStream) => {
    const open = await frames.read()
    const count = open?.type === 'open' ? await countOf(open.closure) : 0
    if (count === 0) return frames.abort(new Error('nothing to lie about'))
    await frames.write({ type: 'ready', wants: false, bitfield: everything(count) })
    for (let frame = await frames.read(); frame !== undefined; frame = await frames.read()) {
      const chunk =
        frame.type === 'request' ? frame.chunks[0] : frame.type === 'requestFrom' ? frame.asks[0]?.chunk : undefined
      if (chunk === undefined) continue
      tell({ asked: chunk })
      if (settings.name === 'lies') {
        await frames.write({ type: 'chunk', chunk, encoding: 'raw', bytes: randomBytes(64 * 1024) })
      }
    }
  }
  const answer = (stream: Stream) => void converse(new FrameStream(stream)).catch(() => {})
  await peer.host.handle(peer.names.swarm, answer)
  tell({ ready: `${settings.listen}/p2p/${peer.identity.peerId}` })
  process.once('SIGTERM', () => process.exit(0))
}

/** A bitfield of all numbers. */
function everything(count: number): Uint8Array {
  const bitfield = new Uint8Array(Math.ceil(count / 8)).fill(0xff)
  if (count % 8 > 0) bitfield[bitfield.length - 1] = 0xff << (8 - (count % 8))
  return bitfield
}
