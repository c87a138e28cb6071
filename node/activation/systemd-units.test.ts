/** Tests of reading units from what systemctl prints, and of what a top level's targets want. */

import assert from 'node:assert/strict'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { testUnit } from '../../test/helpers/unit-state.ts'
import { parseUnits, showArguments, wantsOf } from './systemd-units.ts'

const block = (facts: Record<string, string>) =>
  Object.entries({ LoadState: 'loaded', ActiveState: 'active', SubState: 'running', ...facts })
    .map(([key, value]) => `${key}=${value}\n`)
    .join('')

describe('units as systemctl shows them', () => {
  it('have their counters, times and targets, by any of their names, each once', () => {
    const web = block({
      Id: 'web.service',
      Names: 'web.service www.service',
      NRestarts: '3',
      ExecMainStartTimestampMonotonic: '4000000',
      InactiveExitTimestampMonotonic: '3900000',
      ConditionTimestampMonotonic: '3900000',
      ConditionResult: 'yes',
      InvocationID: 'abc',
    })
    const idle = block({
      Id: 'idle.service',
      Names: 'idle.service',
      ActiveState: 'inactive',
      SubState: 'dead',
      NRestarts: '[not set]',
      ExecMainStartTimestampMonotonic: '0',
      ConditionTimestampMonotonic: '7',
      ConditionResult: 'no',
    })
    const target = block({ Id: 'multi-user.target', Names: 'multi-user.target default.target' })
    const late = block({ Id: 'late.target', Names: 'late.target', ActiveState: 'inactive' })
    const wants = [
      { unit: 'www.service', target: 'default.target' },
      { unit: 'idle.service', target: 'late.target' },
    ]
    const units = parseUnits([web, idle, target, late, web].join('\n'), wants, 9_500_000)
    assert.deepEqual(units.slice(0, 2), [
      testUnit('web.service', { restarts: 3, age: 5.5, wanted: true, invocation: 'abc' }),
      testUnit('idle.service', {
        active: 'inactive',
        sub: 'dead',
        age: undefined,
        started: false,
        skipped: true,
        invocation: '',
      }),
    ])
    assert.deepEqual(units.length, 4)
  })

  it('are asked about by kind, and by name where a target wants them', async t => {
    const top = await mkdtemp(join(tmpdir(), 'thymesh-wants-'))
    t.after(() => rm(top, { recursive: true }))
    for (const file of [
      'units/a.service',
      'units/multi-user.target.wants/a.service',
      'etc/systemd/system/sockets.target.requires/b.socket',
      'etc/systemd/system/web.service.d/override.conf',
    ]) {
      await mkdir(join(top, file, '..'), { recursive: true })
      await writeFile(join(top, file), '')
    }
    const wants = await wantsOf(top)
    assert.deepEqual(wants, [
      { unit: 'a.service', target: 'multi-user.target' },
      { unit: 'b.socket', target: 'sockets.target' },
    ])
    const args = showArguments(wants)
    assert.deepEqual(args.slice(0, 2), ['show', '-p'])
    assert.ok(['*.service', '*.swap', 'a.service', 'sockets.target'].every(each => args.includes(each)))
    assert.deepEqual(await wantsOf(join(top, 'nothing')), [])
  })
})
