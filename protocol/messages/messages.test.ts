/** Tests of what peers say to each other: names, choices, and that the largest of each fits. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { encode } from '@ipld/dag-cbor'
import { withCode } from '../../test/helpers/errors.ts'
import { testFleet, testSigner } from '../../test/helpers/fleet.ts'
import type { Codec } from '../encoding/cbor.ts'
import { sha256 } from '../encoding/hash.ts'
import { limits } from '../limits.ts'
import { revocationsCodec } from '../members/revocations.ts'
import { peerIdOf } from '../signing/peer-id.ts'
import * as messages from './messages.ts'

const { fleet } = testFleet()
const peer = peerIdOf(testSigner('device').publicKey)
const peers = (count: number) => Array.from({ length: count }, (_, at) => peerIdOf(sha256(Buffer.from(`${at}`))))

function refuses<T>(codec: Codec<T>, ...values: unknown[]): void {
  for (const value of values) {
    assert.throws(() => codec.decode(encode(value)), withCode('malformed'), JSON.stringify(value))
  }
}

describe('protocol names', () => {
  it('are those of one fleet', () => {
    const names = messages.protocolNames(fleet)
    assert.equal(names.hello, `/thymesh/${fleet.slice(0, 16)}/hello/1`)
    assert.equal(names.heads, `thymesh/${fleet.slice(0, 16)}/heads/1`)
    assert.equal(new Set(Object.values(names)).size, Object.keys(names).length)
    assert.notEqual(messages.protocolNames(testFleet({ name: 'vineyard' }).fleet).hello, names.hello)
  })
})

describe('messages', () => {
  it('are one of their choices, not two, none or more', () => {
    const hash = new Uint8Array(32)
    refuses(messages.documentRequestCodec, {}, { hash, root: 1 }, { hash: new Uint8Array(31) }, { root: 0 })
    refuses(
      messages.documentRequestCodec,
      { named: hash },
      { named: hash, without: new Uint8Array(129 * 4) },
      { named: hash, without: new Uint8Array(3) },
    )
    refuses(
      messages.namedDocumentsCodec,
      [hash],
      { documents: [new Uint8Array()] },
      { documents: Array(129).fill(hash) },
    )
    refuses(messages.documentRequestCodec, { head: false }, { certificate: 'x' }, { path: '/etc/passwd' }, [], null)
    refuses(messages.syncItemCodec, {}, { end: false }, { report: new Uint8Array() }, { certificate: hash }, { peer })
    refuses(messages.answerCodec, { size: -1 }, { size: 1, error: 'busy' }, { error: 'other' }, { size: 1.5 })
    refuses(messages.answerCodec, { size: 1, unpacked: 0 })
    refuses(messages.verdictCodec, {}, { admitted: 1 }, { admitted: false, reason: 'a'.repeat(301) })
    refuses(messages.headCodec, { root: 0, timestamp: hash }, { root: 1, timestamp: new Uint8Array() })
  })

  it('are not kept busy by a peer ID of a megabyte', () => {
    const long = encode({ members: [{ peer: '2'.repeat(1_000_000), issued: '', report: 1 }] })
    assert.throws(() => messages.digestCodec.decode(long), withCode('malformed'))
  })

  it('are not kept busy by a megabyte of wrong members', () => {
    const many = encode({ members: new Array(1_000_000).fill(0) })
    assert.throws(() => messages.digestCodec.decode(many), withCode('malformed'))
  })

  it('fit their limits at their largest', () => {
    const head = { root: 2 ** 48, timestamp: new Uint8Array(limits.timestamp) }
    const envelope = new Uint8Array(limits.envelope)
    messages.headCodec.encode(head)
    messages.syncItemCodec.encode({ certificate: envelope, peer })
    messages.syncItemCodec.encode({ report: envelope })
    messages.verdictCodec.encode({ admitted: false, reason: 'a'.repeat(300) })
    const counts = { root: 2 ** 48, timestamp: 2 ** 48 }
    messages.helloCodec.encode({ v: 1, fleet, certificate: envelope, agent: 'a'.repeat(100), ...counts })
    const members = peers(limits.digestMembers).map(member => ({
      peer: member,
      issued: '2026-01-31T12:00:00Z',
      report: 2 ** 48,
    }))
    messages.digestCodec.encode({ head, members })
    revocationsCodec.encode({ v: 1, fleet, peers: peers(limits.members) })
  })
})
