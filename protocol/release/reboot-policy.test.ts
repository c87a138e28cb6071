/** When devices may reboot for an update, beside the release's document. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { ExtensionValue } from '../encoding/extensions.ts'
import { type RebootPolicy, rebootPolicyOf, rebootWhen, withRebootPolicies } from './reboot-policy.ts'

const policy: RebootPolicy = { when: 'always', windows: [{ cron: '0 3 * * *', minutes: 60 }] }

describe('reboot policies', () => {
  it('are an extension by config, which is not there without any', () => {
    const extensions = withRebootPolicies({ hub: 'north' }, { kiosk: policy, gate: undefined })
    assert.deepEqual(extensions, { hub: 'north', reboot: { kiosk: policy } })
    assert.deepEqual(rebootPolicyOf(extensions, 'kiosk'), policy)
    for (const name of ['gate', 'constructor', '__proto__']) assert.equal(rebootPolicyOf(extensions, name), undefined)
    assert.deepEqual(withRebootPolicies(extensions, {}), { hub: 'north' })
  })

  it('count as none where they can not be read', () => {
    const malformed: ExtensionValue[] = ['always', { kiosk: { when: 'tomorrow' } }, { kiosk: { windows: [{}] } }, null]
    for (const reboot of malformed) {
      assert.equal(rebootPolicyOf({ reboot }, 'kiosk'), undefined)
    }
  })

  it('have a default by target', () => {
    assert.deepEqual([rebootWhen(undefined, 'nixos'), rebootWhen({}, 'portable')], ['when-needed', 'never'])
    assert.equal(rebootWhen(policy, 'portable'), 'always')
  })
})
