/** Tests of what a report says beside the update: a damaged store, and what is not in force. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { withRemarks } from './remarks.ts'

const path = '/nix/store/1111-lib'
const none = { damaged: [], notInForce: [] }

describe('a damaged path of the store', () => {
  it('is told before what else went wrong, and beside what went well', () => {
    assert.deepEqual(withRemarks({ state: 'running' }, none), { state: 'running' })
    const { error } = withRemarks({ state: 'running' }, { ...none, damaged: [path] })
    assert.equal(error?.code, 'store-damaged')
    assert.match(error?.message ?? '', /nix-store --repair-path .*1111-lib$/)
    const status = { state: 'failed', error: { code: 'no-source', message: 'nobody has it' } } as const
    const failed = withRemarks(status, { ...none, damaged: [path] })
    assert.match(failed.error?.message ?? '', /1111-lib is damaged .*\nnobody has it$/)
    assert.equal(failed.error?.code, 'no-source')
  })
})

describe('what is not in force', () => {
  const notInForce = ['/etc/sysctl.d: read-only', '/etc/modprobe.d: it is read at the next boot']

  it('is told of a generation that runs, and does not hide why an update failed', () => {
    const running = withRemarks({ state: 'running' }, { ...none, notInForce })
    assert.deepEqual([running.state, running.error?.code], ['running', 'not-in-force'])
    assert.match(running.error?.message ?? '', /^not in force: \/etc\/sysctl\.d: read-only; \/etc\/modprobe\.d: /)
    const status = { state: 'rolled-back', error: { code: 'health-failed', message: 'web.service' } } as const
    const failed = withRemarks(status, { damaged: [path], notInForce })
    assert.equal(failed.error?.code, 'health-failed')
    assert.match(failed.error?.message ?? '', /is damaged .*\nweb\.service\nnot in force: /)
  })
})
