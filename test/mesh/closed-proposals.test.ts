/** Tests of proposals that are closed: who signed is told to controllers at once, and to devices by and by. */

import assert from 'node:assert/strict'
import { it } from 'node:test'
import { makeProposal, signToPublish } from '../../controller/signing/proposing.ts'
import { roleNames } from '../../protocol/trust/fleet.ts'
import { testSigner } from '../helpers/fleet.ts'
import { connect, liveFleet, Mesh, type TestPeer } from '../helpers/mesh.ts'
import { until } from '../helpers/until.ts'

it('a closed proposal reaches other controllers and one device at once, and the other devices by repeated exchanges', async t => {
  const mesh = await Mesh.of(t)
  const fleet = liveFleet()
  const start = (word: string, about: { name: string; role?: 'controller' }) =>
    mesh.start({ word, fleet, certificate: fleet.certify(testSigner(word), about) })
  const author = await start('author', { name: 'ada', role: 'controller' })
  const controller = await start('controller', { name: 'ben', role: 'controller' })
  const devices = [await start('one', { name: 'one' }), await start('two', { name: 'two' })]
  for (const peer of [controller, ...devices]) await connect(peer, author)

  const { accepted } = author.state
  assert.ok(accepted)
  const { keys } = fleet
  const signers = Object.fromEntries(roleNames.map(role => [role, [keys[role]]])) as never
  const operator = { signers, now: new Date(), trustClock: true }
  const content = { message: 'next', configs: {}, devices: {} }
  const verified = makeProposal({ ...accepted, fleet: fleet.fleet }, { content, message: 'next' }, operator)
  const knows = ({ proposals }: TestPeer) => proposals.book.without([]).length > 0
  const version = ({ state }: TestPeer) => state.accepted?.release.version

  // As an order does: published first, then told.
  await author.state.publish(signToPublish(accepted, verified, keys, operator))
  await until(() => [controller, ...devices].every(each => version(each) === verified.release?.version), 'the release')
  await author.proposals.book.add(verified.proposal)
  await until(() => knows(controller), 'the other controller to hear who signed')
  await until(() => devices.some(knows), 'a device to carry it')
  assert.deepEqual(controller.proposals.book.all, [], 'it is closed')

  // What repeats exchanges takes any member, as long as there is a closed one to tell of.
  assert.equal(author.proposals.book.hashes.length, 1)
  for (const device of devices) {
    await author.proposals.exchangeWith(device.host.peerId)
    await until(() => knows(device), 'the device to have it')
  }
})
