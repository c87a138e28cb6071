/** What the lines and the page of a machine in QEMU say of its last boot. */

import assert from 'node:assert/strict'
import { it } from 'node:test'
import { bootOf, failedUnitsOf } from './guest-journal.ts'

const line = (words: string) => `2026-12-02T05:00:00+0000 gate systemd[1]: ${words}`
const begins = line('systemd 257.5-2 running in system mode (+PAM +AUDIT -SELINUX)')

it('only the last boot counts, and it is over once everything was started', () => {
  const before = [begins, line("old.service: Failed with result 'exit-code'."), line('Startup finished in 9s = 9s.')]
  assert.deepEqual(bootOf([...before, begins, line('Starting web.service...')].join('\n')), {
    started: false,
    failed: [],
  })
  const failed = line("web.service: Failed with result 'exit-code'.")
  const after = [...before, begins, failed, failed, line('Startup finished in 2.5s (kernel) + 9s = 12s.')]
  assert.deepEqual(bootOf(after.join('\n')), { started: true, failed: ['web.service'] })
})

it('what other programs say counts for nothing', () => {
  const others = ["x systemd[1]: a.service: Failed with result 'x'", "gate web[7]: b.service: Failed with result 'x'"]
  assert.deepEqual(bootOf(others.map(each => `2026-12-02T05:00:00+0000 ${each}`).join('\n')).failed, ['a.service'])
  assert.deepEqual(bootOf(''), { started: false, failed: [] })
})

it('the page says how many units are failed, or nothing', () => {
  assert.equal(failedUnitsOf('# TYPE thymesh_failed_units gauge\nthymesh_failed_units 2\n'), 2)
  assert.equal(failedUnitsOf('thymesh_failed_units{device="gate"} 0\n'), 0)
  assert.equal(failedUnitsOf('thymesh_peers 1\n'), undefined)
})
