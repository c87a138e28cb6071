/** Tests of the address book. */

import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { testState } from '../../../test/helpers/state.ts'
import { addressesPerPeer } from '../limits.ts'
import { AddressBook } from './address-book.ts'

const nobody = { certificate: () => undefined }
const at = (host: number) => `/ip4/192.0.2.${host}/tcp/4460`

async function newBook(t: TestContext) {
  const { database } = await testState(t)
  const table = database.table('addresses')
  return { table, book: await AddressBook.load(table, nobody) }
}

describe('AddressBook', () => {
  it('has the address that worked last first, then what the peer says', async t => {
    const { book } = await newBook(t)
    await book.addAnnounced('peer', [at(1), at(2)])
    await book.addDialled('peer', at(2))
    assert.deepEqual(book.addresses('peer'), [at(2), at(1)])
    await book.addAnnounced('peer', [at(3), at(4)])
    assert.deepEqual(book.addresses('peer'), [at(2), at(3), at(4), at(1)])
    await book.addDialled('peer', at(5))
    assert.deepEqual(book.addresses('peer')[0], at(5))
  })

  it('keeps so many of each peer', async t => {
    const { book } = await newBook(t)
    await book.addDialled('peer', at(1))
    await book.addAnnounced(
      'peer',
      Array.from({ length: 200 }, (_, host) => at(host + 2)),
    )
    assert.equal(book.addresses('peer').length, addressesPerPeer)
    assert.equal(book.addresses('peer')[0], at(1))
  })

  it('takes what can be dialled, without peer ID', async t => {
    const { book } = await newBook(t)
    const id = '12D3KooWD3eckifWpRn9wQpMG9R9hX3sD158z7EqHWmweQAJU5SA'
    await book.addAnnounced('peer', [
      'rubbish',
      '/ip4/192.0.2.1/udp/4460/quic-v1',
      '/ip4/192.0.2.1/tcp/0',
      `/ip4/192.0.2.1/tcp/4460/p2p/${id}/p2p-circuit`,
      '/unix/tmp/socket',
      `${at(1)}/p2p/${id}`,
      '/ip6/2001:db8::1/tcp/4460',
      '/dns4/hub.example/tcp/4460',
    ])
    assert.deepEqual(book.addresses('peer'), [at(1), '/ip6/2001:db8::1/tcp/4460', '/dns4/hub.example/tcp/4460'])
  })

  it('is there after a restart, whatever else is in its table', async t => {
    const { book, table } = await newBook(t)
    await book.addAnnounced('one', [at(1)])
    await book.addAnnounced('two', [at(2)])
    await book.remove('two')
    await table.put('three', Buffer.from('{'))
    await table.put('four', Buffer.from('{"a":1}'))
    const again = await AddressBook.load(table, nobody)
    assert.deepEqual(again.peers(), ['one'])
    assert.deepEqual(again.addresses('one'), [at(1)])
    assert.deepEqual(again.addresses('two'), [])
  })

  it('writes only what has changed', async t => {
    const { book, table } = await newBook(t)
    const put = t.mock.method(table, 'put')
    await book.addAnnounced('peer', [at(1)])
    await book.addAnnounced('peer', [at(1)])
    await book.addDialled('peer', at(1))
    await book.addAnnounced('other', ['rubbish'])
    assert.equal(put.mock.callCount(), 1)
    assert.deepEqual(book.peers(), ['peer'])
  })
})
