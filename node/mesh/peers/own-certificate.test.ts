/** Tests of a peer's own certificate: when it asks for a new one, and which one it takes. */

import assert from 'node:assert/strict'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { timeText } from '../../../protocol/encoding/fields.ts'
import { daysAfter, testFleet, testNow, testSigner } from '../../../test/helpers/fleet.ts'
import { silentLogger } from '../../../test/helpers/log.ts'
import { testState } from '../../../test/helpers/state.ts'
import { AgeIdentities } from '../../state/age-identities.ts'
import { OwnCertificate } from './own-certificate.ts'

const fleet = testFleet()
const device = testSigner('device')

async function own(t: TestContext, now: Date, envelope?: (age: string) => Uint8Array) {
  const state = await testState(t, { now })
  const age = await AgeIdentities.load(join(state.directory, 'age.keys'), now)
  const issued = envelope ?? (recipient => fleet.certify(device, { name: 'kiosk-1', age: recipient }))
  const made = new OwnCertificate({ ...state, age, log: silentLogger }, issued(age.recipient))
  t.after(() => made.stop())
  return { made, age, state }
}

describe("a peer's own certificate", () => {
  it('is renewed when a third of its time is left, with a new age identity', async t => {
    const early = await own(t, daysAfter(testNow, 240))
    await early.made.check()
    assert.equal(early.made.renewal, undefined)
    const late = await own(t, daysAfter(testNow, 250))
    const before = late.age.recipient
    let due = 0
    late.made.on('due', () => due++)
    await late.made.check()
    assert.equal(due, 1)
    assert.notEqual(late.age.recipient, before)
    assert.deepEqual(late.made.renewal, { age: late.age.recipient })
    await late.made.check()
    assert.deepEqual(late.made.renewal, { age: late.age.recipient }, 'one request has one identity')
  })

  it('is taken when a controller has signed it, on disk, and ends the request', async t => {
    const now = daysAfter(testNow, 250)
    const { made, age, state } = await own(t, now)
    await made.check()
    const next = fleet.certify(device, {
      name: 'kiosk-1',
      age: age.recipient,
      issued: timeText(now),
      expires: timeText(daysAfter(now, 365)),
    })
    await made.adopt(next)
    assert.deepEqual(Buffer.from((await state.own.certificate()) ?? []), Buffer.from(next))
    assert.deepEqual(Buffer.from(made.envelope), Buffer.from(next))
    assert.equal(made.renewal, undefined)
    await made.adopt(fleet.certify(device, { name: 'kiosk-1' }))
    assert.deepEqual(Buffer.from(made.envelope), Buffer.from(next), 'an older one changes nothing')
  })

  it('by a controller replaces one that it wrote itself with a token, whatever date that has', async t => {
    const issued = timeText(daysAfter(testNow, 300))
    const { made } = await own(t, testNow, age => fleet.join(fleet.token(), device, { name: 'kiosk-1', age, issued }))
    const countersigned = fleet.certify(device, { name: 'kiosk-1' })
    await made.adopt(countersigned)
    assert.deepEqual(Buffer.from(made.envelope), Buffer.from(countersigned))
  })

  it('asks for a new one when its age identity was lost', async t => {
    const { made, age } = await own(t, testNow, () => fleet.certify(device, { name: 'kiosk-1', age: 'age1lost' }))
    await made.check()
    assert.deepEqual(made.renewal, { age: age.recipient })
  })
})
