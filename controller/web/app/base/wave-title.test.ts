/** Tests of the German titles of waves: the protocol says nothing that has none. */

import assert from 'node:assert/strict'
import { it } from 'node:test'
import { wavesOf } from '../../../../protocol/release/waves.ts'
import { testClosure, testConfig, testFleet } from '../../../../test/helpers/fleet.ts'
import { germanTitle } from './wave-title.ts'

it('has a German title for each wave that a policy can ask for', () => {
  const devices = Object.fromEntries(
    Array.from({ length: 9 }, (_, at) => [`d-${at}`, { config: 'kiosk', site: `s-${at % 2}`, tags: ['canary'] }]),
  )
  const fleet = testFleet()
  const configs = { kiosk: testConfig(testClosure('kiosk')) }
  const waves = [{ tag: 'canary' }, { count: 1 }, { count: 2 }, { onePerSite: true }, { percent: 25 }] as const
  const titles = waves.flatMap(wave => {
    const { release } = fleet.release({ configs, devices, rollout: { waves: [wave] } })
    return wavesOf(release).map(({ title }) => title)
  })
  titles.push(...wavesOf(fleet.release({ configs, devices }).release).map(({ title }) => title))
  for (const title of titles) if (!title.endsWith('%')) assert.notEqual(germanTitle(title), title, title)
  assert.equal(germanTitle('tag canary'), 'Tag canary')
  assert.equal(germanTitle('12 devices'), '12 Geräte')
})
