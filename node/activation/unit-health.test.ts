/** Tests of the verdict on a unit, by what systemd says about it. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { testUnit } from '../../test/helpers/unit-state.ts'
import { refusedUnits, type UnitState, UnitWatch, unitProblem } from './unit-health.ts'

const window = 10
const problem = (more: Partial<UnitState>) => unitProblem(testUnit('a.service', more), window)

describe('a unit', () => {
  it('is well when it runs, has ended well, or was kept from starting by its conditions', () => {
    const idle = { active: 'inactive', sub: 'dead', age: undefined }
    for (const more of [{}, idle, { ...idle, started: false, skipped: true }, { active: 'activating', sub: 'start' }]) {
      assert.equal(problem(more), undefined)
      assert.equal(problem({ ...more, wanted: true }), undefined)
    }
    assert.equal(problem({ ...idle, started: false }), undefined)
    assert.equal(problem({ ...idle, started: false, wanted: true, load: 'masked' }), undefined)
  })

  it('is not well when it is failed, or waits for its next start', () => {
    assert.equal(problem({ active: 'failed', sub: 'failed' }), 'failed')
    for (const sub of ['auto-restart', 'auto-restart-queued']) assert.match(problem({ sub }) ?? '', /waits/)
  })

  it('is in a crash loop when it was restarted a moment ago, and not when it has run since', () => {
    assert.match(problem({ restarts: 2, age: 4 }) ?? '', /over and over: 2 times/)
    assert.equal(problem({ restarts: 2, age: 10 }), undefined)
    // Somebody has started it.
    assert.equal(problem({ restarts: 0, age: 1 }), undefined)
  })

  it('is not well when a target wants it and it never started, or its file is bad', () => {
    const never = { active: 'inactive', sub: 'dead', age: undefined, started: false, wanted: true }
    assert.match(problem(never) ?? '', /was not started/)
    assert.match(problem({ ...never, load: 'bad-setting' }) ?? '', /bad-setting/)
    // The old one still runs.
    assert.match(problem({ wanted: true, load: 'bad-setting' }) ?? '', /bad-setting/)
  })

  it('is to stay active, unless it is a service or a timer', () => {
    const over = { active: 'inactive', sub: 'dead', wanted: true }
    for (const name of ['a.socket', 'a.path', 'a.mount', 'a.swap']) {
      assert.match(unitProblem(testUnit(name, over), window) ?? '', /not active/)
    }
    assert.equal(unitProblem(testUnit('a.timer', over), window), undefined)
  })
})

describe('what systemd has refused', () => {
  it('is in the output of both switches', () => {
    const portable = 'restarted a.service\nrefused b.service\nfailed c.service\n'
    const nixos =
      'restarting the following units: d.service, e.service\nFailed to restart d.service: Unit x.service not found.\nFailed to start e.service\n'
    assert.deepEqual(refusedUnits(portable + nixos), ['b.service', 'd.service'])
  })

  it('is a problem until the unit is started again, although the old one runs', async () => {
    let invocation = 'one'
    const init = { baseline: [], output: 'refused a.service\n', windowSeconds: window }
    const watch = new UnitWatch(async () => [testUnit('a.service', { invocation })], init)
    for (let look = 0; look < 2; look++) {
      const reason = 'systemd refused to start or restart it'
      assert.deepEqual(await watch.problems(), [{ unit: 'a.service', reason }])
    }
    invocation = 'two'
    assert.deepEqual(await watch.problems(), [])
  })
})
