/** Tests of what a release tells of large programs: from which versions, and when it tells nothing. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { shiftsOf } from '../../protocol/release/shifts.ts'
import { withReleaseShifts } from './release-shifts.ts'

const document = 'ab'.repeat(32)
const talk = { progress() {}, signal: new AbortController().signal } as never

/** Tells shifts in a release for the devices `a` to `d`; what was compared, and what the release says. */
async function told(found: string | undefined, extensions?: object) {
  const asked: unknown[] = []
  const running = { a: 'old', b: 'new', c: 'new', stranger: 'other', d: undefined }
  const members = Object.entries(running).map(([name, top]) => ({
    name,
    report: top === undefined ? undefined : { running: top },
  }))
  const peer = {
    closures: {
      shifts: async (wanted: unknown, from: unknown) => {
        asked.push(wanted, from)
        return found
      },
    },
    directory: { members: () => members },
    state: { accepted: { release: { configs: { kiosk: { topLevel: 'last' } } }, sites: new Map() } },
  }
  const devices = Object.fromEntries(['a', 'b', 'c', 'd'].map(name => [name, { config: 'kiosk' }]))
  const content = {
    message: 'news',
    configs: { kiosk: { closure: 'closure' } },
    devices,
    ...(extensions && { extensions }),
  }
  const release = await withReleaseShifts({ peer } as never, content as never, undefined, talk)
  return { asked, release }
}

describe('shifts in a release', () => {
  it('are from what its devices run, most of them first, and from the last release', async () => {
    const { asked, release } = await told(document)
    assert.deepEqual(asked, [['closure'], ['new', 'old', 'last']])
    assert.equal(shiftsOf(release as never), document)
  })

  it('are beside the other extensions, and not critical', async () => {
    const { release } = await told(document, {
      values: { binding: {}, shifts: 'cd'.repeat(32) },
      critical: ['binding'],
    })
    assert.deepEqual(release.extensions, { values: { binding: {}, shifts: document }, critical: ['binding'] })
  })

  it('are none where nothing has moved far', async () => {
    const { release } = await told(undefined, { values: { binding: {} }, critical: ['binding'] })
    assert.deepEqual(release.extensions, { values: { binding: {} }, critical: ['binding'] })
  })
})
