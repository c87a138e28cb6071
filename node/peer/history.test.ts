/** Tests of a device's history: what of its reports is an event, and how far it goes back. */

import assert from 'node:assert/strict'
import { EventEmitter } from 'node:events'
import { describe, it, type TestContext } from 'node:test'
import { limits } from '../../protocol/limits.ts'
import type { Report } from '../../protocol/report/report.ts'
import { testStorePath } from '../../test/helpers/fleet.ts'
import { silentLogger } from '../../test/helpers/log.ts'
import type { Table } from '../state/database.ts'
import { History } from './history.ts'

function scene(t: TestContext) {
  const values = new Map<string, Uint8Array>()
  const table = {
    get: async (key: string) => values.get(key),
    put: async (key: string, value: Uint8Array) => void values.set(key, value),
  } as unknown as Table
  const directory = new EventEmitter()
  const history = new History({ directory, table, log: silentLogger } as never)
  history.start()
  t.after(() => history.stop())
  const tell = (report: Partial<Report>) => directory.emit('report', { peer: 'p', freshness: 'fresh', ...report })
  return {
    values,
    history,
    tell,
    entries: async () => {
      await history.stop()
      history.start()
      return await history.of('p')
    },
  }
}

const error = { code: 'health-failed', message: 'web.service failed\nand more' }

describe('the history of a device', () => {
  it('has an entry for each outcome, the newest first, however often it is reported', async t => {
    const { tell, entries } = scene(t)
    const running = testStorePath('one')
    tell({ state: 'running', release: 2, running, config: 'kiosk', at: '2026-01-31T12:00:00Z' })
    tell({ state: 'running', release: 2, running, config: 'kiosk', at: '2026-01-31T12:10:00Z' })
    tell({ state: 'fetching', release: 2, wanted: 3 })
    tell({ state: 'running', release: 2, wanted: 3, turn: { release: 3, wave: 2, is: 'waiting', reason: 'wave 1' } })
    tell({ state: 'rolled-back', release: 2, wanted: 3, error })
    tell({ state: 'failed', release: 2, wanted: 4, error: { code: 'no-peer', message: 'tried again' } })
    assert.deepEqual(await entries(), [
      { release: 3, outcome: 'rolled-back', code: 'health-failed', message: 'web.service failed' },
      { release: 2, outcome: 'running', at: '2026-01-31T12:00:00Z', config: 'kiosk', topLevel: running },
    ])
  })

  it("tells a site's versions from the fleet's", async t => {
    const { tell, entries } = scene(t)
    tell({ state: 'running', release: 1 })
    tell({ state: 'running', release: 1, site: 'berlin' })
    tell({ state: 'running', release: 1 })
    assert.deepEqual(
      (await entries()).map(({ release, site }) => [site, release]),
      [
        [undefined, 1],
        ['berlin', 1],
        [undefined, 1],
      ],
    )
  })

  it('is bounded, and begins anew where it cannot be read', async t => {
    const { tell, entries, values } = scene(t)
    values.set('p', Buffer.from('{'))
    for (let release = 1; release <= limits.historyEntries + 5; release++) tell({ state: 'running', release })
    const kept = await entries()
    assert.equal(kept.length, limits.historyEntries)
    assert.equal(kept[0]?.release, limits.historyEntries + 5)
  })

  it('takes over the device’s own account, and keeps what came later', async t => {
    const { tell, entries, history } = scene(t)
    tell({ state: 'running', release: 2, at: '2026-01-02T00:00:00Z' })
    tell({ state: 'running', release: 5, at: '2026-01-05T00:00:00Z' })
    const account = [
      { release: 4, outcome: 'running', at: '2026-01-04T00:00:00Z' },
      { release: 3, outcome: 'failed', code: 'x', at: '2026-01-03T00:00:00Z' },
      { release: 2, outcome: 'running', at: '2026-01-01T23:00:00Z' },
    ] as const
    assert.equal(await history.merge('p', account), 2)
    assert.deepEqual(
      (await entries()).map(({ release }) => release),
      [5, 4, 3, 2],
    )
    assert.equal(await history.merge('p', account), 0)
    assert.equal(await history.merge('p', []), 0)
    assert.deepEqual(
      (await entries()).map(({ release }) => release),
      [5, 4, 3, 2],
    )
  })
})
