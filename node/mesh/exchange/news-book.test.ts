/** Tests of what neighbours are told of reports. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { limits } from '../../../protocol/limits.ts'
import { newsBaseBytes, newsStepsMs, untoldReports } from '../limits.ts'
import { NewsBook, printOf } from './news-book.ts'

function bookWith(...neighbours: string[]): NewsBook {
  const book = new NewsBook()
  for (const each of neighbours) book.open(each)
  return book
}

describe('the book of news', () => {
  it('tells each neighbour once, not the one who brought it, and only the newest of a peer', () => {
    const book = bookWith('left', 'right')
    book.add(['a', 1], undefined, 'left')
    book.add(['b', 1], undefined)
    book.add(['a', 2], undefined, 'left')
    assert.deepEqual(book.take('left'), [['b', 1]])
    assert.deepEqual(book.take('right'), [
      ['b', 1],
      ['a', 2],
    ])
    assert.deepEqual(book.take('right'), [])
  })

  it('tells no neighbour what it has told itself, but what is newer', () => {
    const book = bookWith('left')
    book.add(['a', 2], undefined)
    book.heard('left', ['a', 1])
    assert.deepEqual(book.take('left'), [['a', 2]])
    book.add(['a', 3], undefined)
    book.heard('left', ['a', 3])
    assert.deepEqual(book.take('left'), [])
  })

  it('tells some neighbours later, and only of what is not followed by something newer', () => {
    let now = 0
    const book = new NewsBook({ now: () => now })
    for (const each of ['near', 'far']) book.open(each)
    const isFar = (neighbour: string) => neighbour === 'far'
    for (const peer of ['a', 'b', 'c', 'd']) book.add([peer, 1], undefined, undefined, isFar)
    assert.equal(book.take('near').length, 4)
    assert.equal(book.hasNews('far'), false)
    assert.deepEqual(book.take('far'), [])
    book.add(['a', 2], undefined)
    book.add(['b', 2], undefined, undefined, isFar)
    book.heard('far', ['c', 1])
    assert.deepEqual(book.take('far'), [['a', 2]])
    now = newsStepsMs
    assert.deepEqual(book.take('far'), [
      ['d', 1],
      ['b', 2],
    ])
    book.add(['d', 2], undefined, undefined, isFar)
    now += newsStepsMs - 1
    assert.deepEqual(book.take('far'), [])
    book.close('far')
    assert.deepEqual(book.takeLeft(), [['d', 2]])
  })

  it('is bounded, in what is told at once and in all that waits', () => {
    const book = bookWith('left')
    for (let each = 0; each < 2 * untoldReports; each++) book.add([`${each}`, 1], new Uint8Array(4000))
    assert.equal(book.take('left').length, limits.newsTold)
    let left = 0
    for (let items = book.take('left'); items.length > 0; items = book.take('left')) left += items.length
    assert.equal(left, untoldReports - limits.newsTold)
    const kept = Array.from({ length: 2 * untoldReports }, (_, each) =>
      book.replaced(`${each}`, printOf(new Uint8Array(4000))),
    )
    assert.ok(kept.filter(each => each !== undefined).length * 4000 <= newsBaseBytes)
  })

  it('tells the next neighbour what one that has gone was not told', () => {
    const book = bookWith('left')
    book.add(['a', 1], undefined)
    book.add(['b', 1], undefined)
    book.close('left')
    book.open('right')
    const items = book.take('right')
    assert.deepEqual(items, [
      ['a', 1],
      ['b', 1],
    ])
    book.putBack('right', items)
    book.close('right')
    assert.deepEqual(book.takeLeft(), items)
    book.open('left')
    assert.deepEqual(book.take('left'), [])
  })

  it('tells the next neighbour what a round had told that ended after its neighbour had gone', () => {
    const book = bookWith('left')
    book.add(['a', 1], undefined)
    const items = book.take('left')
    book.close('left')
    book.putBack('left', items)
    book.open('right')
    assert.deepEqual(book.take('right'), items)
  })

  it('tells again what was told lately, once', () => {
    const book = bookWith('left')
    book.add(['a', 1], undefined)
    book.take('left')
    book.tellAgain('left', ['a', 'b'])
    assert.deepEqual(book.take('left'), [['a', 1]])
    for (let each = 0; each < 3 * limits.newsTold; each++) book.add([`${each}`, 1], undefined)
    while (book.take('left').length > 0);
    book.tellAgain('left', ['a'])
    assert.deepEqual(book.take('left'), [], 'too long ago')
  })

  it('says once what could not be read, and asks for the whole of it once', () => {
    const book = bookWith('left')
    book.unread('left', ['a'])
    assert.deepEqual(book.takeUnread('left'), ['a'])
    assert.deepEqual(book.takeUnread('left'), [])
    assert.deepEqual([book.takeWhole('left', 'a'), book.takeWhole('left', 'a')], [true, false])
  })

  it('keeps what was replaced by its fingerprint', () => {
    const book = bookWith('left')
    const [old, other] = [Uint8Array.of(1), Uint8Array.of(2)]
    book.add(['a', 2], old)
    assert.deepEqual(book.replaced('a', printOf(old)), old)
    assert.equal(book.replaced('a', printOf(other)), undefined)
    assert.equal(book.replaced('b', printOf(old)), undefined)
  })
})
