/** Tests of the root's end: told from 90 days before, and nothing is signed after it but the next root. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { withCode } from '../../test/helpers/errors.ts'
import { daysAfter, testFleet, testKeys, testNow } from '../../test/helpers/fleet.ts'
import { makeProposal, type Operator, signToPublish } from './proposing.ts'
import { rootEnd, rootEndText } from './root-end.ts'

const fleet = testFleet()
const { trusted, release } = fleet.published
const expires = new Date(trusted.root.signed.expires)

test("the root's end is told from 90 days before, with the command that renews it", () => {
  assert.equal(rootEnd(trusted, testNow), undefined)
  assert.equal(rootEnd(trusted, daysAfter(expires, -91)), undefined)
  const early = rootEnd(trusted, daysAfter(expires, -90))
  assert.equal(early?.daysLeft, 90)
  assert.match(rootEndText(early ?? { expires: '', daysLeft: 0 }), /in 90 days\. .*thymesh root propose --renew$/)
  const late = rootEnd(trusted, daysAfter(expires, 1))
  assert.match(rootEndText(late ?? { expires: '', daysLeft: 0 }), /ended on /)
})

test('after the end only the next root is proposed', () => {
  const { root, targets, snapshot, timestamp, members } = testKeys('orchard')
  const signers = { root: [root], targets: [targets], snapshot: [snapshot], timestamp: [timestamp], members: [members] }
  const now = daysAfter(expires, 1)
  const operator: Operator = { signers, now, trustClock: true }
  const about = { trusted, release, fleet: fleet.fleet }
  const content = { message: 'late', configs: {}, devices: {} }
  const refused = withCode('root-expired', /ended on/)
  assert.throws(() => makeProposal(about, { content, message: 'late' }, operator), refused)
  const changes = { add: [], remove: [], thresholds: {}, dropNixKeys: [], siteNixKeys: {} }
  const renewed = makeProposal(about, { root: changes, message: 'renew' }, operator)
  assert.ok(renewed.complete)
  assert.ok(signToPublish({ trusted, release }, renewed, { snapshot, timestamp }, operator).trusted)
  // Signed in time, published too late.
  const inTime = makeProposal(about, { content, message: 'in time' }, { ...operator, now: daysAfter(expires, -1) })
  assert.throws(() => signToPublish({ trusted, release }, inTime, { snapshot, timestamp }, operator), refused)
})
