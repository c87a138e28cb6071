/** Tests of how devices are chosen: by names, tags, sites and configs, by state and by text. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { chosenDevices, filteredDevices } from './chosen-devices.ts'

const row = (device: string, more: object = {}) => ({
  ...{ device, tags: [] as string[], site: null as string | null, config: 'sign' as string | null },
  ...{ state: 'running' as const, error: null as object | null },
  ...more,
})
const rows = [
  row('hall', { tags: ['shop', 'slow'], site: 'harbour' }),
  row('gate', { site: 'harbour', state: 'failed', error: { message: 'Web.service failed' } }),
  row('tag', { config: null }),
]
const names = (found: readonly { device: string }[]) => found.map(({ device }) => device)
const filter = { on: [], is: [] }

describe('choosing devices', () => {
  it('takes names, tags, sites, configs and all, each device once', () => {
    assert.deepEqual(names(chosenDevices(rows, ['tag:slow'])), ['hall'])
    assert.deepEqual(names(chosenDevices(rows, ['site:harbour', 'hall'])), ['hall', 'gate'])
    assert.deepEqual(names(chosenDevices(rows, ['config:sign'])), ['hall', 'gate'])
    assert.deepEqual(names(chosenDevices(rows, ['all'])), ['hall', 'gate', 'tag'])
    assert.deepEqual(names(chosenDevices(rows, ['tag'])), ['tag'])
  })

  it('takes the devices of a config that have settings of their own', () => {
    const own = row('stair', { config: 'sign--stair' })
    const other = row('lift', { config: 'sign--stair' })
    assert.deepEqual(names(chosenDevices([...rows, own, other], ['config:sign'])), ['hall', 'gate', 'stair'])
    assert.deepEqual(names(chosenDevices([own, other], ['config:sign--stair'])), ['stair', 'lift'])
  })

  it('refuses a choice that is nobody', () => {
    for (const choice of ['tag:none', 'nobody', 'tag:', '']) {
      assert.throws(() => chosenDevices(rows, ['hall', choice]), { code: 'unknown-device' })
    }
  })

  it('filters by all that is given', () => {
    assert.deepEqual(names(filteredDevices(rows, filter)), ['hall', 'gate', 'tag'])
    assert.deepEqual(names(filteredDevices(rows, { ...filter, is: ['failed', 'unseen'] })), ['gate'])
    assert.deepEqual(names(filteredDevices(rows, { ...filter, find: 'web.SERVICE' })), ['gate'])
    assert.deepEqual(names(filteredDevices(rows, { on: ['site:harbour'], is: ['running'], find: 'slow' })), ['hall'])
    assert.deepEqual(names(filteredDevices(rows, { on: ['gate'], is: ['running'] })), [])
  })
})
