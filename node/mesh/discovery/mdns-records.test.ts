/** Tests of mDNS records: the own announcement, and the checks of those of others. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { multiaddr } from '@multiformats/multiaddr'
import { type Answer, decode, encode, type Packet } from 'dns-packet'
import fc from 'fast-check'
import { peerIdOf } from '../../../protocol/signing/peer-id.ts'
import { addressesPerPeer } from '../limits.ts'
import { mdnsKnownAnswers, mdnsRecords } from './limits.ts'
import { announcementPacket, isQueryFor, knownAnswersIn, queryPacket, readAnnouncement } from './mdns-records.ts'

const service = '_thymesh-0123456789abcdef._udp.local'
const name = `instance.${service}`
const [peer, other] = [1, 2].map(byte => peerIdOf(new Uint8Array(32).fill(byte) as never)) as [string, string]
const on = { has: (address: string) => address.startsWith('10.0.0.') || address.startsWith('2001:db8:') }
const at = (ip: string, port = 4460, id = peer) => `/${ip.includes(':') ? 'ip6' : 'ip4'}/${ip}/tcp/${port}/p2p/${id}`

const pointer: Answer = { name: service, type: 'PTR', data: name }
const txt = (...texts: string[]): Answer => ({ name, type: 'TXT', data: texts.map(text => Buffer.from(text)) })
const read = (packet: Packet) => {
  const found = readAnnouncement(packet, service, on)
  return found && { peer: found.peer, addresses: found.addresses.map(String) }
}

describe('announcement', () => {
  const announce = (...addresses: string[]) =>
    announcementPacket(
      service,
      'instance',
      addresses.map(address => multiaddr(address)),
      on,
    )

  it('says the TCP addresses that belong to the interface', () => {
    const said = announce(
      at('10.0.0.5'),
      at('127.0.0.1'),
      at('192.168.1.5'),
      at('2001:db8::5'),
      `/ip4/10.0.0.5/udp/4460/quic-v1/p2p/${peer}`,
      `/dns4/example.org/tcp/4460/p2p/${peer}`,
      `/ip4/10.0.0.9/tcp/4460/p2p/${peer}/p2p-circuit/p2p/${other}`,
      '/ip4/10.0.0.5/tcp/4460',
    )
    assert.deepEqual(said?.answers, [{ name: service, type: 'PTR', class: 'IN', ttl: 4500, data: name }])
    assert.deepEqual(
      said?.additionals.map(record => record.type === 'TXT' && record.data),
      [`dnsaddr=${at('10.0.0.5')}`, `dnsaddr=${at('2001:db8::5')}`],
    )
    assert.deepEqual(said && read(said), { peer, addresses: [at('10.0.0.5'), at('2001:db8::5')] })
  })

  it('says nothing when nothing belongs there', () => {
    assert.equal(announce(), undefined)
    assert.equal(announce(at('192.168.1.5')), undefined)
  })
})

describe('asksFor', () => {
  it('knows questions for its own service only', () => {
    assert.ok(isQueryFor(queryPacket(service, []), service))
    assert.ok(!isQueryFor(queryPacket('_thymesh-other._udp.local', []), service))
    assert.ok(!isQueryFor({ questions: [{ name: service, type: 'A' }] }, service))
    assert.ok(!isQueryFor({}, service))
    const late = Array.from({ length: mdnsRecords }, () => ({ name: 'x.local', type: 'PTR' as const }))
    assert.ok(!isQueryFor({ questions: [...late, { name: service, type: 'PTR' }] }, service))
  })
})

describe('knownAnswersIn', () => {
  it('reads what a query names, and nothing else', () => {
    const known = [
      { instance: 'a', ttl: 4500 },
      { instance: 'b', ttl: 3000 },
    ]
    const query = decode(encode({ type: 'query', ...queryPacket(service, known) }))
    assert.ok(isQueryFor(query, service))
    assert.deepEqual(knownAnswersIn(query, service), known)
    const others: Answer[] = [
      { ...pointer, name: '_other._udp.local' } as Answer,
      txt('x=y'),
      { ...pointer, data: 'x' } as Answer,
    ]
    assert.deepEqual(knownAnswersIn({ answers: others }, service), [])
    assert.deepEqual(knownAnswersIn({}, service), [])
    assert.equal(knownAnswersIn({ answers: Array.from({ length: 100 }, () => pointer) }, service).length, mdnsRecords)
  })

  it('fits into one frame', () => {
    const known = Array.from({ length: mdnsKnownAnswers }, (_, at) => ({
      instance: `${at}`.padStart(32, 'a'),
      ttl: 4500,
    }))
    assert.ok(encode({ type: 'query', ...queryPacket(service, known) }).length <= 1472)
  })
})

describe('readAnnouncement', () => {
  it('takes TXT records among the answers too, as js-libp2p sends them', () => {
    const text = `dnsaddr=${at('10.0.0.7')}`
    assert.deepEqual(read({ answers: [pointer, txt(text)] }), { peer, addresses: [at('10.0.0.7')] })
    const string: Answer = { name, type: 'TXT', data: text }
    assert.deepEqual(read({ answers: [pointer], additionals: [string] }), { peer, addresses: [at('10.0.0.7')] })
  })

  it('leaves out what it cannot use, and takes the rest', () => {
    const good = `dnsaddr=${at('10.0.0.7')}`
    for (const bad of [
      '',
      'dnsaddr=',
      'dnsaddr=nonsense',
      `dnsaddr=/ip4/10.0.0.7/tcp/4460`,
      `dnsaddr=${at('8.8.8.8')}`,
      `dnsaddr=${at('10.0.0.7', 0)}`,
      `dnsaddr=/ip4/10.0.0.7/tcp/4460/p2p/QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N`,
      `dnsaddr=${at('10.0.0.8', 4460, other)}/p2p-circuit`,
      `dnsaddr=${at('10.0.0.7')}${'/p2p-circuit'.repeat(50)}`,
      `path=${at('10.0.0.7')}`,
    ]) {
      assert.equal(read({ answers: [pointer, txt(bad)] }), undefined, bad)
      assert.deepEqual(read({ answers: [pointer, txt(bad, good)] }), { peer, addresses: [at('10.0.0.7')] }, bad)
    }
  })

  it('takes one peer from an answer', () => {
    const texts = [at('10.0.0.7'), at('10.0.0.8', 4460, other), at('10.0.0.9')].map(each => `dnsaddr=${each}`)
    assert.deepEqual(read({ answers: [pointer, txt(...texts)] }), { peer, addresses: [at('10.0.0.7'), at('10.0.0.9')] })
  })

  it('knows answers of its own service only', () => {
    const text = txt(`dnsaddr=${at('10.0.0.7')}`)
    assert.equal(read({ answers: [text] }), undefined)
    assert.equal(read({ answers: [{ ...pointer, name: '_other._udp.local' } as Answer, text] }), undefined)
    assert.equal(read({ answers: [{ ...pointer, data: `another.${service}` } as Answer, text] }), undefined)
  })

  it('stays within its bounds', () => {
    const texts = Array.from({ length: 100 }, (_, each) => `dnsaddr=${at('10.0.0.7', 1000 + each)}`)
    for (const additionals of [[txt(...texts)], texts.map(text => txt(text))]) {
      assert.equal(read({ answers: [pointer], additionals })?.addresses.length, addressesPerPeer)
    }
    const late = [...Array.from({ length: mdnsRecords }, () => txt('x=y')), txt(`dnsaddr=${at('10.0.0.7')}`)]
    assert.equal(read({ answers: [pointer], additionals: late }), undefined)
  })

  it('never throws', () => {
    const text = fc.oneof(
      fc.string(),
      fc.string().map(end => `dnsaddr=/ip4/10.0.0.7/tcp/${end}`),
      fc.constant('dnsaddr=/'),
    )
    fc.assert(
      fc.property(fc.array(text), texts => {
        assert.equal(read({ answers: [pointer, txt(...texts)] }), undefined)
      }),
    )
  })
})
