/** Tests of how the news of a sync reach the neighbours: a little at once, much by an offer, late ones by themselves. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { gossipedNews } from '../limits.ts'
import { SyncNews } from './sync-news.ts'

function scene() {
  const told: string[] = []
  const news = new SyncNews({
    certificate: envelope => void told.push(`certificate ${envelope[0]}`),
    report: envelope => void told.push(`report ${envelope[0]}`),
  })
  const spread = () => news.spread(() => told.push('offer'))
  return { news, told, spread }
}

describe('news of a sync', () => {
  it('are told when they are spread, not before', () => {
    const { news, told, spread } = scene()
    news.addCertificate(Uint8Array.of(1))
    news.addReport(Uint8Array.of(2), undefined)
    assert.deepEqual(told, [])
    spread()
    assert.deepEqual(told, ['certificate 1', 'report 2'])
  })

  it('are offered if they are many', () => {
    const { news, told, spread } = scene()
    for (let each = 0; each <= gossipedNews; each++) news.addReport(Uint8Array.of(each), undefined)
    spread()
    assert.deepEqual(told, ['offer'])
  })

  it('are told one by one if they come later', () => {
    const { news, told, spread } = scene()
    spread()
    news.addReport(Uint8Array.of(3), undefined)
    assert.deepEqual(told, ['report 3'])
  })
})
