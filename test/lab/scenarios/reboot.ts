/** Updates of the portable target that take effect only at a boot: the machine reboots for them, and falls back from them. */

import assert from 'node:assert/strict'
import { LabFleet } from '../fleet.ts'
import type { Scenario, Trials } from './scenario.ts'
import { type Extra, quickPolicy, Updates } from './updates.ts'

/** A file that is read only at boot. */
const atBoot = (text: string) => `etc."modprobe.d/lab.conf".text = "options loop max_loop=${text}\\n";`
const policy: NonNullable<Extra['policy']> = {
  ...quickPolicy,
  confirm: { deadlineSeconds: 60, peers: 0 },
  reboot: { when: 'when-needed' },
}

const title = 'an update that only a boot brings is booted once, and is the boot default after its checks'
export const reboots: Scenario = { name: 'reboot', title, run: trials => reboot(trials, true) }

/** The part of it that runs with all other tests. */
export const rebootOnce: Scenario = { name: 'reboot-once', title, run: trials => reboot(trials, false) }

async function reboot(trials: Trials, whole: boolean): Promise<void> {
  await using fleet = await LabFleet.create('gate')
  const updates = new Updates(fleet, await fleet.device({ name: 'gate' }))
  const { host } = updates.device
  await updates.deployed('one', { portable: atBoot('1'), policy })

  /** Deploys, and starts the machine again when the update has shut it down; nspawn ends at a reboot. */
  async function rebootsFor(message: string, extra: Extra, look = async () => {}): Promise<void> {
    await updates.commit(message, { policy, ...extra })
    const deploying = fleet.operator.runWith({ limitMs: 300_000 }, 'deploy', '-m', message, '--timeout', '60')
    await updates.device.until('to go down for it', async () => !host.running)
    await host.boot()
    // At once: where deploying takes long, the machine may have gone back by then.
    await look()
    await deploying
  }

  await trials.of('a healthy one', async () => {
    const before = await updates.boots()
    await rebootsFor('two', { portable: atBoot('2') })
    // By its first boot it is only tried.
    if ((await updates.journal())?.state !== 'committed') assert.equal(await updates.boots(), before)
    await updates.journalled('committed')
    await updates.is('two')
    assert.match((await updates.journal())?.byBoot ?? '', /modprobe\.d changed/)
    await host.powerCut()
    await host.boot()
    await updates.is('two')
  })
  if (!whole) return
  await trials.of('one whose unit fails after the boot', async () => {
    const failing = `units."bad.service" = {
        Service.Type = "oneshot"; Service.ExecStart = "/bin/false"; wantedBy = [ "multi-user.target" ];
      };`
    const looksTried = async () => assert.equal(await updates.message(), 'three')
    await rebootsFor('three', { portable: `${atBoot('3')}${failing}` }, looksTried)
    await updates.device.until('to reboot into the old one', async () => !host.running)
    await host.boot()
    await updates.journalled('rolled-back')
    assert.equal((await updates.journal())?.code, 'degraded')
    await updates.is('two')
  })
  await trials.of('the power goes in its first boot', async () => {
    await rebootsFor('four', { portable: atBoot('4') })
    await host.powerCut()
    // It was tried: now the old one boots, and the update is tried again.
    await host.boot()
    const entry = await updates.journal()
    assert.ok(entry?.state === 'committed' || (await updates.message()) === 'two', entry?.state)
    if (entry?.state !== 'committed') {
      await updates.device.until('to go down for it again', async () => !host.running)
      await host.boot()
    }
    await updates.journalled('committed')
    await updates.is('four')
  })
  await trials.of('no daemon of it comes up: the machine reboots at the deadline', async () => {
    const portable = `${atBoot('6')} units."thymesh.service".Service.ExecStart = "/bin/false";`
    const soon = { ...policy, confirm: { deadlineSeconds: 30, peers: 0 } }
    await rebootsFor('six', { portable, policy: soon })
    await updates.device.until('to reboot into the old one', async () => !host.running)
    await host.boot()
    await updates.journalled('rolled-back')
    const entry = await updates.journal()
    assert.equal(entry?.code, 'boot-failed')
    assert.match(entry?.message ?? '', /no daemon of it was up before the deadline/)
    await updates.is('four')
  })
  await trials.of('a window for reboots that is closed: it waits, and says why', async () => {
    const reboot = { when: 'when-needed' as const, windows: [{ cron: '0 3 1 1 *', minutes: 1 }] }
    await updates.commit('five', { portable: atBoot('5'), policy: { ...policy, reboot } })
    await fleet.operator.run('deploy', '-m', 'five', '--timeout', '10')
    await updates.device.until('to wait', async () => (await updates.status()).state === 'awaiting-reboot')
    const { stdout } = await fleet.operator.run('device', 'gate')
    assert.match(stdout, /needs a reboot \(\/etc\/modprobe\.d changed\); the window for reboots opens in/)
    assert.equal(await updates.message(), 'four')
  })
}
