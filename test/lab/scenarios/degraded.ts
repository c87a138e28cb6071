/** Updates that are neither well nor failed, and boots of committed ones: the policy and the boot counter decide. */

import assert from 'node:assert/strict'
import { LabFleet } from '../fleet.ts'
import type { Scenario } from './scenario.ts'
import { needy, quickPolicy, Updates } from './updates.ts'

export const degraded: Scenario = {
  name: 'degraded',
  title: 'units that fail while all probes are well: confirmed, or held until they are well, as the policy says',
  async run(trials) {
    await using fleet = await LabFleet.create('gate')
    const updates = new Updates(fleet, await fleet.device({ name: 'gate' }))
    const { host } = updates.device
    await updates.deployed('one')
    await trials.of('held, then well', async () => {
      await updates.commit('two', { portable: needy('first'), policy: { ...quickPolicy, degraded: 'hold' } })
      await fleet.operator.run('deploy', '-m', 'two', '--timeout', '15')
      await updates.journalled('held')
      assert.equal(await updates.message(), 'two')
      assert.notEqual(await updates.boots(), await updates.device.running())
      await updates.heal('first', 'two')
    })
    await trials.of('held, then the power goes', async () => {
      await updates.commit('three', { portable: needy('second'), policy: { ...quickPolicy, degraded: 'hold' } })
      await fleet.operator.run('deploy', '-m', 'three', '--timeout', '15')
      await updates.journalled('held')
      await host.powerCut()
      await host.boot()
      assert.ok(['two', 'three'].includes(await updates.message()))
      assert.notEqual(await updates.boots(), '')
    })
    await trials.of('confirmed, and said', async () => {
      const row = await updates.deploy('four', {
        portable: needy('third'),
        policy: { ...quickPolicy, degraded: 'confirm' },
      })
      assert.equal(row.state, 'running')
      const { health } = (await updates.journal()) ?? {}
      assert.deepEqual([health?.state, health?.units], ['degraded', ['third.service']])
    })
  },
}

export const bootFails: Scenario = {
  name: 'boot-fails',
  title: 'a committed generation with which the daemon does not come up any more is left after some boots',
  async run(trials) {
    await using fleet = await LabFleet.create('gate')
    const updates = new Updates(fleet, await fleet.device({ name: 'gate' }))
    const { host } = updates.device
    await updates.deployed('one')
    await updates.deployed('two', { policy: { ...quickPolicy, bootAttempts: 2 } })
    await trials.of('two boots without a daemon', async () => {
      // A committed generation that breaks later: nobody calls its boots good.
      await host.must(['ln', '-s', '/dev/null', '/etc/systemd/system/thymesh.service'])
      for (let boot = 0; boot < 2; boot++) {
        await host.powerCut()
        await host.boot()
        assert.equal(await updates.message(), 'two')
      }
    })
    await trials.of('the next one brings the old generation', async () => {
      await host.powerCut()
      await host.boot()
      await updates.is('one')
    })
    await trials.of('the daemon says so, and does not try again', async () => {
      await host.must(['rm', '/etc/systemd/system/thymesh.service'])
      await host.must(['systemctl', 'daemon-reload'])
      await host.must(['systemctl', 'start', 'thymesh.service'])
      await updates.device.until('to say so', async () => (await updates.journal())?.code === 'boot-failed')
      await updates.device.until('to report', async () => (await updates.status()).error?.code === 'boot-failed')
      await updates.is('one')
    })
  },
}

export const bootFlaps: Scenario = {
  name: 'boot-flaps',
  title: 'a generation that has booted well stays, however often the power goes before the daemon is up',
  async run(trials) {
    await using fleet = await LabFleet.create('gate')
    const updates = new Updates(fleet, await fleet.device({ name: 'gate' }))
    const { host } = updates.device
    const counts = async () => (await host.exec(['test', '-e', '/etc/thymesh/boot-tries'])).code === 0
    await updates.deployed('one')
    await updates.deployed('two', { policy: { ...quickPolicy, bootAttempts: 3 } })
    await trials.of('a daemon that starts anew is no good boot', async () => {
      await host.must(['systemctl', 'restart', 'thymesh.service'])
      await updates.device.until('to be up', async () => (await updates.status()).state === 'running')
      assert.ok(await counts())
    })
    await trials.of('three good boots', async () => {
      for (let boot = 0; boot < 3; boot++) {
        await host.powerCut()
        await host.boot()
        await updates.device.until('to call the boot good', async () => !(await counts()))
      }
      await updates.is('two')
    })
    await trials.of('four boots that are cut before the daemon is up', async () => {
      await host.must(['sh', '-c', 'ln -s /dev/null /etc/systemd/system/thymesh.service && sync'])
      for (let boot = 0; boot < 4; boot++) {
        await host.powerCut()
        await host.boot()
        assert.equal(await updates.message(), 'two')
      }
      await host.must(['rm', '/etc/systemd/system/thymesh.service'])
      await host.reboot()
      await updates.is('two')
      await updates.device.until('to report', async () => (await updates.status()).state === 'running')
      assert.equal((await updates.journal())?.state, 'committed')
    })
  },
}
