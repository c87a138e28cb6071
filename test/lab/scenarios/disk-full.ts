/** A disk without room, before and during an update: the device says so, runs on, and goes on when there is room. */

import assert from 'node:assert/strict'
import type { Row } from '../../e2e/helpers/fleet.ts'
import { until } from '../../e2e/helpers/processes.ts'
import { blobModule, hello } from '../../e2e/helpers/project.ts'
import { LabFleet } from '../fleet.ts'
import type { Scenario } from './scenario.ts'
import { Updates } from './updates.ts'

const policyModule = `{
  portable = _: { };
  policy = _: { health.settleSeconds = 1; confirm = { deadlineSeconds = 60; peers = 0; }; disk.reserveBytes = 8388608; };
}`

export const diskFull: Scenario = {
  name: 'disk-full',
  title: 'without room on the disk a device runs on, says so, and updates when there is room',
  async run(trials) {
    await using fleet = await LabFleet.create('gate')
    const device = await fleet.device({ name: 'gate', diskMegabytes: 320 })
    const updates = new Updates(fleet, device)
    const { disk } = device
    assert.ok(disk)
    const commit = (version: string, megabytes: number, noise = false) =>
      fleet.operator.commit(version, {
        'modules/blob.nix': blobModule,
        'modules/policy.nix': policyModule,
        'configs/hello.json': hello(version, { blob: { megabytes, noise }, policy: {} }),
      })
    const deploy = async (seconds: number): Promise<Row> => {
      const { stdout, stderr } = await fleet.operator.run('deploy', '--timeout', String(seconds), '--json')
      const [row] = (JSON.parse(stdout) as { devices?: Row[] }).devices ?? []
      assert.ok(row, stdout + stderr)
      return row
    }
    await commit('one', 1)
    assert.equal((await deploy(80)).state, 'running')

    await trials.of('too little room for the update', async () => {
      disk.fill(20)
      await commit('two', 40)
      const row = await deploy(20)
      assert.deepEqual([row.state, row.error?.code], ['failed', 'disk-full'], JSON.stringify(row))
      await updates.is('one')
    })
    await trials.of('room again', async () => {
      disk.clear()
      assert.equal((await deploy(85)).state, 'running')
      await updates.is('two')
    })
    await trials.of('not a byte left, and the power cut', async () => {
      disk.fill(0)
      await device.host.powerCut()
      await device.host.boot()
      await updates.is('two')
      disk.clear()
      await commit('three', 40)
      assert.equal((await deploy(85)).state, 'running')
      await updates.is('three')
    })
    await trials.of('the disk fills while the update is fetched', async () => {
      // Noise, so that all of it has to come from elsewhere, and lies on the disk while it does.
      await commit('four', 60, true)
      const begun = await device.countLogged('the update begins')
      const deploying = deploy(30)
      await device.logged('the update begins', begun)
      const free = disk.freeMegabytes
      await until('some of it to lie on the disk', async () => disk.freeMegabytes < free - 4, { everyMs: 10 })
      disk.fill(2)
      const row = await deploying
      assert.deepEqual([row.state, row.error?.code], ['failed', 'disk-full'], JSON.stringify(row))
      await updates.is('three')
      disk.clear()
      assert.equal((await deploy(85)).state, 'running')
      await updates.is('four')
    })
  },
}
