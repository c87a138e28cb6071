/** Tests of the update policy. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  defaultPolicy,
  policyOf,
  probeName,
  timingOf,
  type UpdatePolicyInput,
  updatePolicySchema,
} from './update-policy.ts'

const refused = (policy: unknown) => assert.equal(updatePolicySchema.safeParse(policy).success, false)

describe('an update policy', () => {
  it('is the default where it says nothing', () => {
    assert.deepEqual(policyOf(undefined), defaultPolicy)
    assert.deepEqual(policyOf({}), defaultPolicy)
    assert.deepEqual(policyOf({ health: {}, confirm: {}, keep: {}, disk: {}, attempts: undefined }), defaultPolicy)
  })

  it('is what it says over the defaults, key by key', () => {
    const said: UpdatePolicyInput = {
      health: { settleSeconds: 5 },
      confirm: { peers: 3 },
      gc: { cron: '0 3 * * *' },
      windows: [{ cron: '0 2 * * *', minutes: 60 }],
      degraded: 'confirm',
    }
    assert.deepEqual(policyOf(updatePolicySchema.parse(said)), {
      ...defaultPolicy,
      health: { units: 'compare', settleSeconds: 5, probes: [] },
      confirm: { deadlineSeconds: 600, peers: 3 },
      gc: { cron: '0 3 * * *', timeZone: 'UTC' },
      windows: [{ cron: '0 2 * * *', timeZone: 'UTC', minutes: 60 }],
      degraded: 'confirm',
    })
    assert.equal(policyOf({ gc: false }).gc, false)
  })

  it('takes no unknown keys, and nothing out of bounds', () => {
    refused({ probe: [] })
    refused({ health: { probes: [{ kind: 'ping', host: 'a' }] } })
    refused({ health: { probes: [{ kind: 'tcp', port: 0 }] } })
    refused({ health: { probes: [{ kind: 'unit', unit: 'web' }] } })
    refused({ health: { probes: [{ kind: 'http', url: 'file:///etc/shadow' }] } })
    refused({ health: { probes: [{ kind: 'command', command: [] }] } })
    refused({ health: { probes: Array.from({ length: 33 }, () => ({ kind: 'tcp', port: 80 })) } })
    refused({ confirm: { deadlineSeconds: 0 } })
    refused({ attempts: 0 })
    refused({ windows: [{ cron: 'every night', minutes: 60 }] })
    refused({ windows: [{ cron: '0 0 2 * * *', minutes: 60 }] })
    refused({ windows: [{ cron: '0 2 * * *', minutes: 60, timeZone: '../etc/passwd' }] })
  })

  it('names a probe by what it asks, unless it has a name', () => {
    assert.equal(probeName({ kind: 'tcp', port: 80 }), 'tcp localhost:80')
    assert.equal(probeName({ kind: 'unit', unit: 'web.service', name: 'the page' }), 'the page')
    assert.equal(probeName({ kind: 'command', command: ['a'.repeat(200)] }).length, 63)
  })

  it('asks a probe as it says, else as all are asked', () => {
    const timing = { timeoutSeconds: 5, intervalSeconds: 2, successes: 1, withinSeconds: 60 }
    assert.deepEqual(timingOf({ kind: 'tcp', port: 80 }), timing)
    assert.deepEqual(timingOf({ kind: 'tcp', port: 80, successes: 3 }), { ...timing, successes: 3 })
  })
})
