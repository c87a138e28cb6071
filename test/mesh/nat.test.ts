/**
 * Peers behind NATs, in network namespaces: they meet directly where that is possible, and by a hub where it isn't. One
 * network for all tests, which change it one after the other.
 */

import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { NatKind } from '../../node/mesh/relay/meeting.ts'
import type { MeshTiming } from '../../node/peer/mesh-parts.ts'
import type { ReachAnswer } from '../../protocol/messages/relay.ts'
import { NatLab, type NatPlace, type NatRouter } from '../helpers/nat-lab.ts'
import { answers, atHubs, meet, natLimitMs, since } from '../helpers/nat-meet.ts'
import type { NatWays } from '../helpers/nat-peer.ts'
import { NatProcess, natPort } from '../helpers/nat-process.ts'
import { until } from '../helpers/until.ts'
import { labSkip } from '../lab/needs.ts'

const skip = labSkip()
const now = new Date(Date.now() - 86_400_000).toISOString().replace(/\.\d+Z$/, '.000Z')
/** Of peers that keep their connections from being forgotten, and notice at once that one is dead. */
const watchful: MeshTiming = { keepAliveMs: 1_000, hubPingMs: 1_000 }
const forgetSeconds = 4

const all: NatProcess[] = []
let lab: NatLab
let hubs: [NatProcess, NatProcess]
let [home, office, train]: NatRouter[] = []
let peers: Record<'a' | 'mate' | 'b' | 'inner' | 'c' | 'd' | 'open', NatProcess>
let places: Record<'b', NatPlace>

async function start(
  place: NatPlace,
  word: string,
  role: 'device' | 'relay',
  timing?: MeshTiming,
): Promise<NatProcess> {
  const started = await NatProcess.start(place, {
    now,
    word,
    role,
    hubs: [...all.slice(0, 2)],
    ...(timing && { timing }),
  })
  all.push(started)
  return started
}

const device = (place: NatPlace, word: string, timing?: MeshTiming) => start(place, word, 'device', timing)

before(async () => {
  if (skip !== false) return
  lab = await NatLab.create()
  hubs = [await start(await lab.host(), 'hub-1', 'relay'), await start(await lab.host(), 'hub-2', 'relay')]
  const routers = [lab.router('easy'), lab.router('easy'), lab.router('hard'), lab.router('hard')] as const
  const [easy, other, hotel, dialUp] = await Promise.all(routers)
  ;[home, office, train] = [easy, other, dialUp]
  const flat = await lab.router('easy', other)
  places = { b: await other.host() }
  const [a, mate, b, inner, c, d, open] = await Promise.all([
    device(await easy.host(), 'a', { keepAliveMs: 1_000 }),
    device(await easy.host(), 'mate'),
    device(places.b, 'b'),
    device(await flat.host(), 'inner'),
    device(await hotel.host(), 'c'),
    device(await dialUp.host(), 'd', watchful),
    device(await lab.host(), 'open'),
  ])
  peers = { a, mate, b, inner, c, d, open }
  await atHubs(...Object.values(peers))
})

after(async () => {
  await Promise.all(all.map(each => each.kill()))
  await lab?.[Symbol.asyncDispose]()
})

async function natOf(peer: NatProcess): Promise<NatKind> {
  let nat: NatKind = 'unknown'
  const isKnown = async () => {
    nat = (await peer.ask<{ nat: NatKind }>({ do: 'look' })).nat
    return nat !== 'unknown'
  }
  await until(isKnown, 'hubs to say where they see a peer', natLimitMs)
  return nat
}

describe('peers of many places', { skip }, () => {
  it('know what NAT they are behind', async () => {
    const { a, b, c, d, open, inner } = peers
    const nats = await Promise.all([a, b, c, d, open, inner].map(natOf))
    assert.deepEqual(nats, ['easy', 'easy', 'hard', 'hard', 'none', 'easy'])
  })

  it('punch through two easy NATs', async () => {
    await meet(peers.a, peers.b, /^punched$/)
  })

  it('punch through two NATs in a row', async () => {
    await meet(peers.inner, peers.a, /^punched$/)
  })

  it('dial a peer that listens openly, from any NAT', async () => {
    await meet(peers.open, peers.a, /^direct$/)
    await meet(peers.c, peers.open, /^direct$/)
  })

  it('meet in the network of their router, also while one dials where the other was', async () => {
    const { a, mate } = peers
    assert.ok(office)
    for (const [from, to] of [
      [a, mate],
      [mate, a],
    ] as const) {
      await from.ask({ do: 'dial-in-vain', peer: to.peer, ip: office.address })
    }
    await meet(mate, a, /^direct$/)
  })

  it('stay relayed where a hard NAT is on both sides, or on one', async () => {
    const { a, c, d } = peers
    await meet(a, c, /^relayed by /)
    await meet(c, d, /^relayed by /)
    // One of them has tried three times by then, whoever dialled, and has given up for half an hour.
    const missed = async (peer: NatProcess) => (await peer.ask<NatWays>({ do: 'ways' })).missed.length
    const haveTried = async () => (await missed(c)) + (await missed(d)) >= 3
    await until(haveTried, 'three meetings to fail', natLimitMs)
    // By different hubs both sides may have dialled: one of the two connections ends, and one is left.
    let seen: (readonly string[])[] = []
    const areRelayed = async () => {
      // A busy machine may lose it: who needs the other one dials again.
      if ((await c.ways(d)).length === 0) await c.ask({ do: 'dial', peer: d.peer })
      seen = [await c.ways(d), await d.ways(c), await a.ways(c)]
      return seen.every(ways => ways.length === 1 && ways[0]?.startsWith('relayed by '))
    }
    await until(areRelayed, 'one relayed connection between each two', natLimitMs).catch(thrown => {
      throw new Error(`${thrown.message}: ${JSON.stringify(seen)}`)
    })
  })

  it('know whether others can dial them', async () => {
    const { a, b, inner } = peers
    await office?.filter('easy', { address: places.b.address, port: natPort })
    const reach = async (peer: NatProcess) =>
      (await peer.ask<ReachAnswer>({ do: 'reach', hub: hubs[0].peer, port: natPort })).dialled
    // Another peer's door is no door to the one beside it.
    assert.deepEqual(await Promise.all([a, b, inner].map(reach)), ['no', 'yes', 'no'])
  })
})

describe('a connection', { skip }, () => {
  it('outlives a firewall that forgets silent ones, if its peer keeps it', async () => {
    const { a, b, mate } = peers
    const before = [await since(a, hubs[0]), await since(a, b)]
    await home?.forgetAfter(forgetSeconds)
    for (const [from, to] of [
      [a, hubs[0]],
      [a, b],
      [mate, hubs[0]],
    ] as const)
      assert.ok(await answers(from, to))
    // Each ping of this one is preceded by a longer silence.
    let silenceMs = 1_000
    let next = performance.now() + silenceMs
    const fails = async () => {
      if (performance.now() < next) return false
      silenceMs += 2_000
      const failed = !(await answers(mate, hubs[0]))
      next = performance.now() + silenceMs
      return failed
    }
    await until(fails, 'the firewall to forget the connection that nothing keeps', natLimitMs)
    assert.ok(await answers(a, hubs[0]))
    assert.ok(await answers(a, b))
    assert.deepEqual([await since(a, hubs[0]), await since(a, b)], before)
  })

  it('by a hub that ends is replaced by one by another hub', async () => {
    const { a, b, c, d } = peers
    await meet(c, d, /^relayed by /)
    const [way = ''] = await c.ways(d)
    const [ended, left] = way.endsWith(hubs[0].peer) ? hubs : [hubs[1], hubs[0]]
    await ended.kill()
    await meet(c, d, new RegExp(`^relayed by ${left.peer}$`))
    assert.ok(await answers(a, b))
  })

  it('comes back when the uplink has another address, to hubs and by them', async () => {
    const { c, d } = peers
    const hub = hubs.find(each => each.runs)
    assert.ok(hub)
    const before = await since(d, hub)
    await train?.move(lab.nextAddress())
    const isNew = async () => {
      const opened = await since(d, hub)
      // The first new one may have been opened just before.
      return opened !== undefined && opened !== before && (await answers(d, hub))
    }
    await until(isNew, 'a new connection', natLimitMs)
    // The hub has two connections of it, and ends the one whose other side is gone: the other peer learns that.
    await meet(d, c, /^relayed by /)
    assert.ok(await answers(c, d))
  })
})
