/** The note about devices of the version before: those of the release that reported, and don't understand all of it. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ownExtensions } from '../../protocol/report/understands.ts'
import { skewNote } from './skew.ts'

const directory = (reports: Record<string, object | undefined>) =>
  ({
    certificates: () =>
      Object.keys(reports).map(name => ({ name, peer: name, role: name === 'laptop' ? 'controller' : 'device' })),
    report: (peer: string) => reports[peer] && { document: reports[peer] },
  }) as unknown as Parameters<typeof skewNote>[0]['directory']

const devices = { old: { config: 'web' }, new: { config: 'web' }, silent: { config: 'web' }, laptop: { config: 'web' } }
const extensions = { values: { binding: {} }, critical: ['binding'] }

describe('the note about devices of the version before', () => {
  it('names them', () => {
    const reports = { old: {}, new: { extensions: ownExtensions }, silent: undefined, laptop: {}, elsewhere: {} }
    const text = skewNote({ directory: directory(reports) }, { devices, extensions })
    assert.match(text ?? '', /^Note: old run the version before/)
  })

  it('says nothing where all understand the release, and of a release without critical extensions', () => {
    const reports = { new: { extensions: ownExtensions } }
    assert.equal(skewNote({ directory: directory(reports) }, { devices, extensions }), undefined)
    assert.equal(skewNote({ directory: directory({ old: {} }) }, { devices }), undefined)
  })
})
