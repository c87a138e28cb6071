/** An update policy at the pace of a trial's machine. */

import assert from 'node:assert/strict'
import { it } from 'node:test'
import { policyOf } from '../../protocol/release/update-policy.ts'
import { paced, paces } from './pace.ts'

it('a container waits for nothing, and keeps what the policy decides', () => {
  const windows = [{ cron: '0 3 * * *', minutes: 60 }]
  const { health, confirm, degraded, ...rest } = paced({ windows, degraded: 'hold', attempts: 1 }, paces.container)
  assert.deepEqual(rest, { attempts: 1, gc: false })
  assert.deepEqual([health?.settleSeconds, confirm, degraded], [3, { peers: 1, deadlineSeconds: 600 }, 'hold'])
  assert.equal(paced({ health: { settleSeconds: 0 } }, paces.container).health?.settleSeconds, 1)
})

it('an emulated machine gets time for its checks, and its probes theirs, within the bounds of releases', () => {
  const probes = [
    { kind: 'tcp' as const, port: 80 },
    { kind: 'unit' as const, unit: 'a.service', timeoutSeconds: 200, withinSeconds: 600 },
  ]
  const policy = paced(
    { health: { settleSeconds: 2, probes }, confirm: { peers: 3, deadlineSeconds: 20 } },
    paces.emulated,
  )
  assert.deepEqual(policy.confirm, { peers: 1, deadlineSeconds: 3600 })
  assert.equal(policy.health?.settleSeconds, 45)
  const times = policyOf(policy).health.probes.map(({ timeoutSeconds, withinSeconds }) => [
    timeoutSeconds,
    withinSeconds,
  ])
  assert.deepEqual(times, [
    [50, 600],
    [300, 3600],
  ])
})
