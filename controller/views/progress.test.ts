/** Tests of a rollout's progress, on a terminal and elsewhere. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { hostileTexts, steers } from '../../test/helpers/hostile-text.ts'
import type { DeviceStatus } from '../api/schemas/status.ts'
import { RolloutProgress } from './progress.ts'

const release = 3

function row(device: string, view: Partial<DeviceStatus>): DeviceStatus {
  return {
    device,
    peer: null,
    site: null,
    tags: [],
    config: 'kiosk',
    follows: null,
    releaseSite: null,
    release: 2,
    running: null,
    wanted: null,
    state: 'unseen',
    turn: null,
    lastSeen: null,
    freshness: null,
    error: null,
    daemon: null,
    update: null,
    way: null,
    duplicate: false,
    ...view,
  }
}

function progressOn(stream: { isTTY: boolean; columns?: number }) {
  const written: string[] = []
  const write = (text: string) => written.push(text)
  return { progress: new RolloutProgress({ ...stream, write } as unknown as NodeJS.WriteStream), written }
}

const update = {
  release,
  milliseconds: 2100,
  paths: 4,
  pathsDone: 1,
  needed: 5_000_000,
  fromStore: 200_000,
  fromControllers: 0,
  fromNeighbours: 1_000_000,
  fromElsewhere: 0,
  wire: 800_000,
  bytesPerSecond: 2_000_000,
  secondsLeft: 2,
}

describe('progress in a file or a pipe', () => {
  it('is a line for each change, in words', () => {
    const { progress, written } = progressOn({ isTTY: false })
    const rows = [
      row('a', { state: 'fetching', update }),
      row('b', { state: 'running' }),
      row('c', {
        state: 'failed',
        wanted: release,
        error: { code: 'disk-full', message: 'no room\nat all', hint: 'Free some space.' },
      }),
      row('d', {
        state: 'failed',
        wanted: 2,
        error: { code: 'disk-full', message: 'no room', hint: 'Free some space.' },
      }),
      row('e', {}),
    ]
    progress.show(rows, { version: release })
    progress.show([row('a', { state: 'fetching', update: { ...update, fromNeighbours: 2_000_000 } })], {
      version: release,
    })
    progress.show([row('a', { state: 'running', release, update })], { version: release })
    const said = (device: string, words: string) => `  ${device.padEnd(20)} ${words}\n`
    assert.deepEqual(written, [
      said(
        'a',
        'fetching 1.0 MB of 5.0 MB, 1 of 4 paths, 200.0 kB from its own store, 1.0 MB from neighbours, 2.0 MB/s, 2 s left',
      ),
      said('b', 'runs release 2, has not heard of 3 yet'),
      said('c', 'failed: no room'),
      said('d', 'failed with release 2, has not heard of 3 yet'),
      said('e', 'not seen yet'),
      said('a', 'runs release 3 after 2.1 s (0 B from controllers, 1.0 MB from neighbours)'),
    ])
  })
})

describe('progress on a terminal', () => {
  it('is redrawn in its place, cut to its width, below what is said beside it', () => {
    const { progress, written } = progressOn({ isTTY: true, columns: 30 })
    progress.show([row('a', {}), row('b', {})], { version: release })
    progress.show([row('a', { state: 'waiting' }), row('b', {})], { version: release })
    progress.say('news')
    const rows = (first: string) => `\x1b[2K${first}\n\x1b[2K  b                    not se\n`
    assert.deepEqual(written, [
      rows('  a                    not se'),
      `\x1b[2A${rows('  a                    waits ')}`,
      '\x1b[2A\x1b[Jnews\n',
      rows('  a                    waits '),
    ])
  })
})

// biome-ignore lint/suspicious/noControlCharactersInRegex: the moves of the cursor begin with the escape character.
const moves = /\x1b\[(?:\d+A|2K|J)/g

describe('progress of hostile devices', () => {
  it('is one visible line a device, on a terminal and elsewhere', () => {
    for (const [kind, text] of Object.entries(hostileTexts)) {
      for (const isTTY of [true, false]) {
        const { progress, written } = progressOn({ isTTY, columns: 200 })
        progress.show(
          [row(text, { state: 'failed', wanted: release, error: { code: text, message: text, hint: text } })],
          {
            version: release,
          },
        )
        progress.say(text)
        const shown = written.join('').replaceAll(moves, '')
        assert.ok(!steers(shown), `${kind}: ${JSON.stringify(shown)}`)
        assert.equal(shown.trimEnd().split('\n').length, isTTY ? 3 : 2, kind)
      }
    }
  })
})
