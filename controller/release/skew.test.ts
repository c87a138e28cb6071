/** The note about devices of the version before: those of the release that reported, and don't understand all of it. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ownExtensions } from '../../protocol/report/understands.ts'
import { skewNotes } from './skew.ts'

const directory = (reports: Record<string, object | undefined>) =>
  ({
    certificates: () =>
      Object.keys(reports).map(name => ({ name, peer: name, role: name === 'laptop' ? 'controller' : 'device' })),
    report: (peer: string) => reports[peer] && { document: reports[peer] },
  }) as unknown as Parameters<typeof skewNotes>[0]['directory']

const devices = { old: { config: 'web' }, new: { config: 'web' }, silent: { config: 'web' }, laptop: { config: 'web' } }
const extensions = { values: { binding: {} }, critical: ['binding'] }

describe('the note about devices of the version before', () => {
  it('names them', () => {
    const reports = { old: {}, new: { extensions: ownExtensions }, silent: undefined, laptop: {}, elsewhere: {} }
    const [text = ''] = skewNotes({ directory: directory(reports) }, { devices }, { extensions })
    assert.match(text, /^Note: old run the version before/)
  })

  it('says nothing where all understand the release, and of a release without critical extensions', () => {
    const reports = { new: { extensions: ownExtensions } }
    assert.deepEqual(skewNotes({ directory: directory(reports) }, { devices }, { extensions }), [])
    assert.deepEqual(skewNotes({ directory: directory({ old: {} }) }, { devices }, {}), [])
  })

  it('names those that keep what they run, since they read no sharded release', () => {
    const many = Array.from({ length: 30 }, (_, at) => `kiosk-${at + 10}`)
    const all = Object.fromEntries([...many, 'new'].map(name => [name, { config: 'web' }]))
    const reports = { ...Object.fromEntries(many.map(name => [name, {}])), new: { extensions: ownExtensions } }
    const sharded = { values: { shards: {} }, critical: ['shards'] }
    const notes = skewNotes({ directory: directory(reports) }, { devices: all }, { extensions: sharded })
    assert.equal(notes.length, 1)
    assert.match(
      notes[0] ?? '',
      /^Note: kiosk-10, .*, kiosk-29 and 10 more run a version that reads no release of this size/,
    )
  })
})
