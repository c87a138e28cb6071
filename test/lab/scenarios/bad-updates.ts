/** Updates that must not stay: the machine ends where it was, by itself, and says why. */

import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { poll } from '../../helpers/until.ts'
import { LabFleet } from '../fleet.ts'
import type { LabHost } from '../host.ts'
import type { Scenario } from './scenario.ts'
import { quickPolicy, Updates } from './updates.ts'

const failingUnit = `units."bad.service" = {
  Service.Type = "oneshot"; Service.ExecStart = "/bin/sh -c 'echo it is broken; exit 3'"; wantedBy = [ "multi-user.target" ];
};`

/** A generation that cuts the network while it runs. A lab machine may not, so its cable follows a file. */
const networkCutter = `units."cutter.service" = {
  Service.Type = "oneshot"; Service.RemainAfterExit = true;
  Service.ExecStart = "/bin/sh -c 'mkdir -p /var/lib/lab; touch /var/lib/lab/cut; while grep -q 1 /sys/class/net/eth0/carrier; do sleep 0.1; done'";
  Service.ExecStopPost = "/bin/rm -f /var/lib/lab/cut";
  wantedBy = [ "multi-user.target" ];
};`

/** Pulls the cable while there is the file, until the signal comes; then it is plugged in. Gives how often it was pulled. */
async function cableFollows(host: LabHost, signal: AbortSignal): Promise<number> {
  const file = join(host.dir, 'upper/var/lib/lab/cut')
  let pulled = 0
  for (let cut = false; ; ) {
    const moved = () => signal.aborted || existsSync(file) !== cut
    await poll(moved, { limitMs: Number.POSITIVE_INFINITY, everyMs: 100 })
    if (signal.aborted) break
    cut = !cut
    if (cut) pulled++
    await host.link?.set(cut ? 'down' : 'up')
  }
  await host.link?.set('up')
  return pulled
}

export const unitFails: Scenario = {
  name: 'unit-fails',
  title: 'a generation whose unit fails is rolled back, and its report has the reason',
  async run(trials) {
    await using fleet = await LabFleet.create('gate')
    const updates = new Updates(fleet, await fleet.device({ name: 'gate' }))
    await updates.deployed('one')
    await trials.of('a unit fails', async () => {
      const row = await updates.deploy('two', { portable: failingUnit })
      assert.deepEqual([row.state, row.error?.code], ['rolled-back', 'degraded'])
      assert.match(row.error?.message ?? '', /bad\.service/)
      await updates.is('one')
      const log = await updates.device.host.must(['sh', '-c', 'cat /var/lib/thymesh/activation/logs/*.log'])
      assert.match(log, /it is broken/)
    })
    await trials.of('reboot after it', async () => {
      await updates.device.host.reboot()
      await updates.is('one')
    })
    await trials.of('a probe fails', async () => {
      const probes = [{ kind: 'tcp' as const, port: 81, withinSeconds: 3 }]
      const row = await updates.deploy('three', { policy: { ...quickPolicy, health: { settleSeconds: 1, probes } } })
      assert.deepEqual([row.state, row.error?.code], ['rolled-back', 'health-failed'])
      await updates.is('one')
    })
    await trials.of('mended', () => updates.deployed('four'))
  },
}

export const networkLost: Scenario = {
  name: 'network-lost',
  title: 'a generation that cuts the network is rolled back by itself',
  async run(trials) {
    await using fleet = await LabFleet.create('gate')
    const updates = new Updates(fleet, await fleet.device({ name: 'gate' }))
    await updates.deployed('one')
    const done = new AbortController()
    const cable = cableFollows(updates.device.host, done.signal)
    await trials.of('network lost', async () => {
      await updates.deploy('two', {
        portable: networkCutter,
        policy: { ...quickPolicy, confirm: { deadlineSeconds: 25 } },
      })
      await updates.journalled('rolled-back')
      const entry = await updates.journal()
      // Either may act at the deadline: the daemon, which knows what was missing, or the guard, which doesn't.
      assert.match(entry?.code ?? '', /^(no-contact|deadline)$/)
      await updates.is('one')
    })
    await trials.of('the device reports it', async () => {
      await updates.device.until('to report', async () => (await updates.status()).state === 'rolled-back')
    })
    done.abort()
    assert.ok((await cable) > 0, 'the cable was pulled')
  },
}

/** A generation that takes the way back away: the old one's program does nothing until the next boot. */
const saboteur = `units."saboteur.service" = {
  Service.Type = "oneshot"; Service.RemainAfterExit = true;
  Service.ExecStart = "/bin/sh -c 'mount --bind /bin/true $$(readlink -f /etc/thymesh/boot)/bin/switch-to-configuration; systemctl mask --runtime thymesh.service; systemctl kill -s KILL thymesh.service; exit 0'";
  wantedBy = [ "multi-user.target" ];
};`

export const guardReboots: Scenario = {
  name: 'guard-reboots',
  title: 'where the old generation cannot be started again, and the daemon is dead, the machine reboots into it',
  async run(trials) {
    await using fleet = await LabFleet.create('gate')
    const updates = new Updates(fleet, await fleet.device({ name: 'gate' }))
    const { host } = updates.device
    await updates.deployed('one')
    await trials.of('the machine goes down by itself', async () => {
      const policy = { ...quickPolicy, confirm: { deadlineSeconds: 20, peers: 0 } }
      await updates.commit('two', { portable: saboteur, policy })
      await fleet.operator.run('deploy', '-m', 'two', '--timeout', '15')
      assert.equal(await updates.message(), 'two')
      await updates.device.until('to go down', async () => !host.running)
    })
    await trials.of('it comes up with the old generation', async () => {
      await host.boot()
      await updates.is('one')
    })
    await trials.of('the daemon says what was, and does not try again', async () => {
      await updates.journalled('rolled-back')
      await updates.device.until('to report', async () => (await updates.status()).state === 'rolled-back')
      assert.match((await updates.journal())?.code ?? '', /^(deadline|no-contact)$/)
      await updates.is('one')
    })
  },
}

export const daemonDies: Scenario = {
  name: 'daemon-dies',
  title: 'with the daemon dead, the deadline brings the old generation back',
  async run(trials) {
    await using fleet = await LabFleet.create('gate')
    const updates = new Updates(fleet, await fleet.device({ name: 'gate' }))
    await updates.deployed('one')
    await trials.of('the daemon never comes back', async () => {
      const unit = `units."killer.service" = {
        Service.Type = "oneshot"; Service.RemainAfterExit = true;
        Service.ExecStart = "/bin/sh -c 'systemctl mask --runtime thymesh.service; systemctl kill -s KILL thymesh.service; exit 0'";
        wantedBy = [ "multi-user.target" ];
      };`
      await updates.commit('two', { portable: unit, policy: { ...quickPolicy, confirm: { deadlineSeconds: 15 } } })
      await fleet.operator.run('deploy', '-m', 'two', '--timeout', '20')
      // This shows that the generation ran.
      assert.equal(await updates.device.host.unit('thymesh.service', 'UnitFileState'), 'masked-runtime')
      await updates.device.until('to be back', async () => (await updates.message()) === 'one')
      assert.equal(await updates.device.host.unit('thymesh.service', 'MainPID'), '0')
      await updates.is('one')
    })
    await trials.of('the daemon that comes back says what was', async () => {
      await updates.device.host.must(['systemctl', 'unmask', '--runtime', 'thymesh.service'])
      await updates.device.host.must(['systemctl', 'start', 'thymesh.service'])
      await updates.journalled('rolled-back')
      assert.equal((await updates.journal())?.code, 'deadline')
    })
  },
}
