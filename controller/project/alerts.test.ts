/** alerts.json: the example of the docs is sound, and what is wrong with a rule is said with its place. */

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { withAlerts } from '../../protocol/alerts/in-release.ts'
import { alertsOf } from '../../protocol/alerts/rules.ts'
import { readAlerts } from './alerts.ts'
import { checkAlerts } from './check-alerts.ts'
import type { ProjectFiles } from './files.ts'
import { LocatedJson } from './located-json.ts'
import { problemText } from './problem.ts'

function problemsOf(text: string, devices: Record<string, object> = { 'kiosk-1': { config: 'web' } }): string[] {
  const json = new LocatedJson('alerts.json', text)
  const { alerts: content, problems } = readAlerts(json)
  const data = (all: Record<string, object>) =>
    new Map(Object.entries(all).map(([name, each]) => [name, { content: each }]))
  const files = {
    alerts: { name: 'alerts', json, content },
    devices: data(devices),
    configs: data({ web: { tags: ['shop'] } }),
  }
  return [...problems, ...checkAlerts(files as unknown as ProjectFiles)].map(problemText)
}

const ruled = (rule: object) =>
  JSON.stringify({ channels: { ops: { exec: 'siren' } }, rules: [{ name: 'rule', notify: ['ops'], ...rule }] }, null, 2)

describe('alerts.json', () => {
  it('of the docs is sound, and travels in a release as it is', () => {
    const page = readFileSync(join(import.meta.dirname, '../../docs/alerts.md'), 'utf8')
    const text = /^```json\n([\s\S]*?)^```/m.exec(page)?.[1] ?? ''
    const devices = { hub: { config: 'web', tags: ['hub'] }, wheelhouse: { config: 'web' } }
    assert.deepEqual(problemsOf(text, devices), [])
    const { alerts } = readAlerts(new LocatedJson('alerts.json', text))
    assert.deepEqual(alertsOf({ extensions: withAlerts(undefined, alerts) }), alerts)
  })

  for (const [what, when, words] of [
    ['never begin', { metric: 'disk', above: 100, for: '5m' }, /never begins: disk is at most 100/],
    ['never begin below', { metric: 'memory', below: 0, for: '5m' }, /never begins: memory is at least 0/],
    ['never end', { metric: 'disk', above: 90, clear: -1 }, /never ends/],
    ['never end by nature', { wear: 80 }, /never ends: wear only grows/],
    ['flap', { metric: 'cpu', above: 90 }, /flaps: expected "for" of at least 60s, or a "clear"/],
    ['flap for their clear', { metric: 'cpu', above: 90, clear: 95, for: '5m' }, /flaps: "clear" must not be above/],
    ['have no such kind', { tempo: 3 }, /expected one of "absent", "metric"/],
    ['are too short', { absent: '1m' }, /when\.absent: expected a time from 30m to 365d/],
    ['have a fraction', { metric: 'load', above: 1.5, for: '5m' }, /when\.above: expected a whole number/],
  ] as const) {
    it(`names rules that ${what}, with line and key`, () => {
      const [problem = ''] = problemsOf(ruled({ when }))
      assert.match(problem, /^alerts\.json:\d+:\d+: rules\.0\.when/)
      assert.match(problem, words)
    })
  }

  it('names rules that tell nobody, or are about nobody', () => {
    const when = { absent: '24h' }
    assert.match(problemsOf(ruled({ when, notify: [] })).join(), /rules\.0\.notify: tells nobody/)
    assert.match(problemsOf(ruled({ when, notify: ['opps'] })).join(), /expected one of the channels, got opps/)
    assert.match(problemsOf(ruled({ when, on: { tags: ['shops'] } })).join(), /rules\.0\.on: names nobody/)
    assert.deepEqual(problemsOf(ruled({ when, on: { tags: ['shop'] } })), [])
    const twice = JSON.stringify({ channels: { ops: { exec: 'a', by: { sites: ['x'] } } }, rules: [] })
    assert.match(problemsOf(twice).join(), /channels\.ops\.by: names nobody/)
    const controllersOnly = JSON.stringify({ channels: { ops: { exec: 'a', by: { devices: [] } } }, rules: [] })
    assert.doesNotMatch(problemsOf(controllersOnly).join(), /names nobody/)
  })
})
