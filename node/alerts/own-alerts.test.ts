/** A device's alerts about itself: each kind of condition, restarts, clocks that jump, and rules that go. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { ReportedAlert } from '../../protocol/alerts/reported.ts'
import type { AlertRule, Condition } from '../../protocol/alerts/rules.ts'
import type { Facts } from './conditions.ts'
import { calmMs } from './limits.ts'
import { OwnAlerts } from './own-alerts.ts'

const ruleOf = (when: Condition, name = 'rule'): AlertRule => ({
  ...{ name, when, severity: 'warning', notify: ['ops'], resolve: true },
})
const day = 86_400_000
const well: Facts = {
  sample: { disk: 50, wear: 10, load: 0.5 },
  failedUnits: [],
  report: { state: 'running', freshness: 'fresh' },
  ...{ certificateEnds: 100 * day, now: 0 },
}

function scene(when: Condition, before: readonly ReportedAlert[] = []) {
  const it = { facts: well, rules: [ruleOf(when)], seconds: 1_700_000_000, steady: 0 }
  const alerts = new OwnAlerts(
    { rules: () => it.rules, facts: () => it.facts, seconds: () => it.seconds, steady: () => it.steady },
    before,
  )
  const look = (facts: Partial<Facts>, after = 0) => {
    it.facts = { ...well, ...facts }
    it.steady += after
    it.seconds += Math.round(after / 1000)
    alerts.look()
    return alerts.alerts
  }
  return { state: it, look }
}

describe('a device', () => {
  for (const [when, bad] of [
    [{ metric: 'disk', above: 90 }, { sample: { disk: 93.4 } }],
    [{ metric: 'load', below: 1, clear: 2 }, {}],
    [{ wear: 80 }, { sample: { wear: 80 } }],
    [{ state: 'rolled-back' }, { report: { state: 'rolled-back', freshness: 'fresh' } }],
    [{ unit: 'web.service' }, { failedUnits: ['other.service', 'web.service'] }],
    [{ unit: '*' }, { failedUnits: ['other.service'] }],
    [{ freshness: 'expired' }, { report: { state: 'running', freshness: 'expired' } }],
    [{ certificate: '14d' }, { now: 87 * day }],
    [
      { held: true },
      { report: { state: 'running', freshness: 'fresh', turn: { release: 2, wave: 1, is: 'held', reason: '' } } },
    ],
    [
      { contradiction: true },
      { report: { state: 'running', freshness: 'fresh', alarms: [{ kind: 'equivocation', subject: 'targets 7' }] } },
    ],
    [{ clone: true }, { report: { state: 'running', freshness: 'fresh', alarms: [{ kind: 'clone', subject: 'x' }] } }],
  ] as readonly (readonly [Condition, Partial<Facts>])[]) {
    it(`finds ${JSON.stringify(when)}, and its end`, () => {
      const { look } = scene(when)
      const isOn = 'below' in when
      if (!isOn) assert.deepEqual(look({}), [])
      const [alert] = look(bad)
      assert.equal(alert?.rule, 'rule')
      assert.equal(alert?.until, undefined)
      const good: Partial<Facts> = isOn ? { sample: { load: 3 } } : {}
      look(good, 1000)
      const [over] = look(good, calmMs)
      assert.equal(over?.until, 1_700_000_061)
    })
  }

  it('says the value and the unit', () => {
    assert.equal(scene({ metric: 'disk', above: 90 }).look({ sample: { disk: 93.4 } })[0]?.value, 93)
    assert.equal(scene({ unit: '*' }).look({ failedUnits: ['a.service'] })[0]?.unit, 'a.service')
  })

  it('counts an alert as over at its own bound', () => {
    const { look } = scene({ metric: 'disk', above: 90, clear: 80 })
    look({ sample: { disk: 95 } })
    for (let each = 0; each < 5; each++) look({ sample: { disk: 85 } }, calmMs)
    assert.equal(look({ sample: { disk: 85 } })[0]?.until, undefined)
    look({ sample: { disk: 79 } }, 1000)
    assert.notEqual(look({ sample: { disk: 79 } }, calmMs)[0]?.until, undefined)
  })

  it('takes nothing that is no number, and nothing that nobody knows', () => {
    const { look } = scene({ metric: 'disk', above: 90 })
    assert.deepEqual(look({ sample: { disk: Number.NaN } }), [])
    assert.deepEqual(look({ sample: {} }), [])
    assert.deepEqual(look({ sample: undefined, report: undefined, failedUnits: undefined, now: undefined }), [])
  })

  it('goes on with what lasted before a restart', () => {
    const before = [{ rule: 'rule', since: 1_600_000_000 }]
    const { look } = scene({ metric: 'disk', above: 90 }, before)
    assert.deepEqual(look({ sample: { disk: 95 } }), before)
    look({}, 1000)
    assert.equal(look({}, calmMs)[0]?.since, 1_600_000_000)
  })

  it('tells one alert from the next where the clock was set back', () => {
    const { look, state } = scene({ metric: 'disk', above: 90 })
    look({ sample: { disk: 95 } })
    look({}, 1000)
    look({}, calmMs)
    state.seconds = 1_500_000_000
    const alerts = look({ sample: { disk: 95 } })
    assert.equal(alerts.length, 2)
    assert.equal(new Set(alerts.map(({ since }) => since)).size, 2)
    assert.ok((alerts[0]?.since ?? 0) > (alerts[1]?.since ?? 0))
  })

  it('ends the alerts of a rule that is gone', () => {
    const { look, state } = scene({ metric: 'disk', above: 90 })
    look({ sample: { disk: 95 } })
    state.rules = []
    assert.notEqual(look({ sample: { disk: 95 } })[0]?.until, undefined)
  })
})
