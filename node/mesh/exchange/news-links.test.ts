/** Tests of the neighbours with which a peer begins rounds of news: how many there are, of which kinds, and for how long. */

import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { peerIdFromString } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import { peerIdOf } from '../../../protocol/signing/peer-id.ts'
import { testSigner } from '../../../test/helpers/fleet.ts'
import { silentLogger } from '../../../test/helpers/log.ts'
import { testStreams } from '../../../test/helpers/streams.ts'
import { until } from '../../../test/helpers/until.ts'
import { newsLinks } from '../limits.ts'
import { NewsLinks } from './news-links.ts'

/** Members of these sites and join tokens; the links that a peer of site `home` has with them, as they open and end. */
function scene(
  t: TestContext,
  places: readonly { site: string; token?: string }[],
  { isSlow = false, ...timing }: { linkMs: number; settleMs?: number; isSlow?: boolean },
) {
  const members = places.map(({ site, token }, at) => {
    const peer = peerIdFromString(peerIdOf(testSigner(`member-${at}`).publicKey))
    return { peer, certificate: { site }, group: token ?? peer.toString() }
  })
  const of = (peer: { toString(): string }) => members.find(each => each.peer.toString() === peer.toString())
  const open = new Set<string>()
  const seen = new Set<string>()
  let most = 0
  const failures: unknown[] = []
  const newStream = async () => testStreams()[0]
  const remoteAddr = multiaddr('/ip4/192.0.2.1/tcp/1')
  const links = new NewsLinks(
    {
      host: { getConnections: () => [{ status: 'open', timeline: { open: 1 }, remoteAddr, newStream }] } as never,
      protocol: 'news',
      admission: { members, subjectOf: of, on() {}, off() {} } as never,
      site: () => 'home',
      log: silentLogger,
      isAnswered: () => false,
      round: async neighbour => {
        if (isSlow && neighbour === members[0]?.peer.toString()) await new Promise(() => {})
        return { more: false, told: false }
      },
      onOpened: neighbour => {
        open.add(neighbour)
        seen.add(neighbour)
        most = Math.max(most, open.size)
      },
      onEnded: (neighbour, thrown) => {
        open.delete(neighbour)
        if (thrown !== undefined) failures.push(thrown)
      },
    },
    { everyMs: 40, ...timing },
  )
  links.start()
  t.after(() => links.stop())
  const linked = () => [...open].map(neighbour => of(neighbour) as (typeof members)[number])
  return { members, linked, seen, failures, most: () => most }
}

describe('the links of news', () => {
  it('go to two of the own site and one of another, and not all to members of one join token', async t => {
    const crowd = Array.from({ length: 20 }, () => ({ site: 'home', token: 'token' }))
    const { linked } = scene(t, [...crowd, { site: 'far', token: 'token' }, { site: 'far' }], { linkMs: 3_600_000 })
    await until(() => linked().length === newsLinks, 'all links')
    const sites = linked().map(({ certificate }) => certificate.site)
    assert.deepEqual(sites.toSorted(), ['far', 'home', 'home'])
    assert.equal(new Set(linked().map(({ group }) => group)).size, 2)
  })

  it('end for others after a while, so that nobody keeps one, and are never more', async t => {
    const { members, seen, failures, most } = scene(t, Array(8).fill({ site: 'home' }), { linkMs: 30 })
    await until(() => seen.size === members.length, 'a link with each member')
    assert.equal(most(), newsLinks)
    assert.deepEqual(failures, [])
  })

  it('end for others also where a neighbour takes its time', async t => {
    const timing = { linkMs: 30, settleMs: 30, isSlow: true }
    const { members, linked, seen } = scene(t, Array(newsLinks + 1).fill({ site: 'home' }), timing)
    const [slow] = members
    await until(() => slow && seen.has(`${slow.peer}`) && !linked().includes(slow), 'its place to be given to another')
    await until(() => slow && linked().includes(slow), 'links to go on changing')
  })
})
