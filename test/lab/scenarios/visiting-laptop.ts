/** A site that no network reaches: it gets releases, and gives its reports, by a laptop that comes by. */

import assert from 'node:assert/strict'
import type { RolloutJson } from '../../e2e/helpers/fleet.ts'
import { hello } from '../../e2e/helpers/project.ts'
import type { LabDevice } from '../device.ts'
import { LabFleet } from '../fleet.ts'
import type { Scenario } from './scenario.ts'

const message = async (device: LabDevice) => (await device.host.exec(['cat', '/etc/hello'])).stdout.trim()
/** The laptop leaves when the site has what it came for. */
const policyModule = `{
  portable = _: { };
  policy = _: { health.settleSeconds = 1; confirm = { deadlineSeconds = 60; peers = 0; }; };
}`

export const visitingLaptop: Scenario = {
  name: 'visiting-laptop',
  title: 'a site that is cut off for the whole rollout updates from a visiting laptop',
  async run(trials) {
    await using fleet = await LabFleet.create('gate', 'far-1', 'far-2')
    const { operator } = fleet
    const farNetwork = await fleet.otherNetwork()
    const gate = await fleet.device({ name: 'gate' })
    const far = [
      await fleet.device({ name: 'far-1', network: farNetwork, site: 'far' }),
      await fleet.device({ name: 'far-2', network: farNetwork, site: 'far' }),
    ]
    const commit = (version: string, rollout?: object) =>
      operator.commit(version, {
        'tags/canary.json': {},
        'devices/gate.json': { config: 'hello', tags: ['canary'] },
        'modules/policy.nix': policyModule,
        'configs/hello.json': hello(version, { policy: {} }),
        'rollout.json': rollout,
      })
    const deploy = async (...waitFor: string[]) => {
      const flags = waitFor.flatMap(name => ['--wait-for', name])
      const { stdout, stderr } = await operator.run('deploy', ...flags, '--timeout', '85', '--json')
      const rollout = JSON.parse(stdout) as RolloutJson
      assert.deepEqual([rollout.complete, rollout.failed], [true, []], `${stdout}${stderr}${await far[0]?.lastLines()}`)
    }
    const visit = async (network: typeof farNetwork) => fleet.visit(network)
    const atFar = async () => await Promise.all(far.map(message))

    await commit('one')
    await deploy('gate')
    await visit(farNetwork)
    await deploy('far-1', 'far-2')
    assert.deepEqual(await atFar(), ['one', 'one'])

    await trials.of('cut off for the whole rollout', async () => {
      await visit(fleet.network)
      await commit('two', { waves: [{ tag: 'canary' }], soakSeconds: 2 })
      await deploy('gate')
      assert.equal(await message(gate), 'two')
      assert.deepEqual(await atFar(), ['one', 'one'])
      await visit(farNetwork)
      await deploy('far-1', 'far-2')
      assert.deepEqual(await atFar(), ['two', 'two'])
    })
    await trials.of('its reports are carried back', async () => {
      await visit(fleet.network)
      const { complete } = await operator.json<{ complete: boolean }>('rollout', '--wait', '3')
      assert.equal(complete, true)
    })
    await trials.of('the first wave is out of reach: a canary of its own', async () => {
      await gate.host.powerCut()
      await commit('three', { waves: [{ tag: 'canary' }], soakSeconds: 1, isolated: { afterSeconds: 5 } })
      await visit(farNetwork)
      await deploy('far-1', 'far-2')
      assert.deepEqual(await atFar(), ['three', 'three'])
      const logs = await Promise.all(far.map(device => device.log()))
      const canaries = logs.filter(log => log.includes('alone: none of the waves before is in reach'))
      assert.ok(canaries.length >= 1, logs.join('\n').slice(-2000))
      assert.ok(logs.some(log => log.includes('alone: of those in reach, wave 1 has')))
    })
    await trials.of('back in reach, the first wave follows', async () => {
      await visit(fleet.network)
      await gate.host.boot()
      await deploy('gate')
      assert.equal(await message(gate), 'three')
    })
  },
}
