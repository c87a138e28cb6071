/** Updates with another kernel, on machines that boot by UEFI and systemd-boot: tried once, and the default only when well. */

import assert from 'node:assert/strict'
import { BootFleet } from '../boot/fleet.ts'
import type { Generation } from '../boot/project.ts'
import type { Scenario } from './scenario.ts'

/** Another kernel's parameters: what a switch can't bring. */
const booted = (hello: string, more: Partial<Generation> = {}): Generation => ({
  ...more,
  hello,
  nixos: `boot.kernelParams = [ "lab.${hello}" ]; ${more.nixos ?? ''}`,
})

export const bootUpdate: Scenario = {
  name: 'boot-update',
  title: 'UEFI: an update with another kernel is booted once, and is the boot default after its checks',
  async run(trials) {
    await using fleet = await BootFleet.create({ hello: 'one' })
    const { machine } = fleet
    await trials.of('first start of an image: the token is taken, the daemon runs', async () => {
      await fleet.boot()
      await fleet.daemonRuns()
      assert.equal(await fleet.hello(), 'one')
      assert.notEqual((await machine.exec('ls /boot/thymesh-join')).code, 0)
    })
    await trials.of('the device joins, and takes a healthy reboot update', async () => {
      await fleet.update(booted('two'))
      await fleet.is('two')
      assert.match(await machine.must('cat /proc/cmdline'), /lab\.two/)
      assert.match((await fleet.journal())?.byBoot ?? '', /kernel's parameters changed/)
      const left = await machine.must('ls /sys/firmware/efi/efivars /etc/systemd/system.control')
      assert.doesNotMatch(left, /OneShot|thymesh-boot-deadline/)
    })
    await trials.of('its boot counted as a good one, and the power goes', async () => {
      await fleet.blessed()
      await fleet.powerCycle()
      await fleet.is('two')
    })
    let before = ''
    await trials.of('a switch inhibitor: what a switch refuses is booted', async () => {
      const inhibited = (dbus: string) => booted('two', { nixos: `lab.inhibitors.dbus = "${dbus}";` })
      const boots = fleet.begun('lab.two')
      await fleet.update(inhibited('dbus'))
      assert.equal(fleet.begun('lab.two'), boots, 'a new inhibitor refuses nothing')
      before = await machine.must('readlink /run/current-system')
      await fleet.update(inhibited('broker'))
      assert.match((await fleet.journal())?.byBoot ?? '', /switch inhibitor dbus changed/)
    })
    await trials.of('rolled back: the release before is booted, too', async () => {
      await fleet.rollBack()
      assert.equal(await machine.must('readlink /run/current-system'), before)
      assert.equal(await fleet.boots(), before)
    })
  },
}

export const bootHang: Scenario = {
  name: 'boot-hang',
  title: 'UEFI: a kernel that hangs or freezes later, or one without a daemon, ends in the old generation',
  async run(trials) {
    await using fleet = await BootFleet.booted()
    const once = { bootAttempts: 1 }
    await trials.of('a kernel that hangs: the power is switched off and on', async () => {
      const laptop = await fleet.begin({ hello: 'two', nixos: 'boot.kernelParams = [ "lab.hang" ];', updates: once })
      await fleet.until('to hang', async () => fleet.machine.console().includes('lab: hangs'))
      await laptop.end()
      await fleet.powerCycle()
      const entry = await fleet.journalled('failed', 'rolled-back')
      assert.equal(entry.code, 'boot-failed')
      assert.match(entry.message ?? '', /did not come up with/)
      await fleet.is('one')
    })
    await trials.of('a kernel that freezes: the hardware watchdog resets the machine', async () => {
      const nixos = `boot.kernelParams = [ "lab.freezes" ];
        environment.etc."systemd/system.conf.d/lab.conf".text = "[Manager]\\nRuntimeWatchdogSec=90s\\n";
        systemd.services.freeze = {
          wantedBy = [ "multi-user.target" ]; before = [ "thymesh.service" ];
          script = "echo c >/proc/sysrq-trigger";
        };`
      const laptop = await fleet.begin({ hello: 'three', nixos, updates: once })
      await fleet.until('to freeze', async () => fleet.begun('lab.freezes') === 1)
      await laptop.end()
      const entry = await fleet.journalled('failed', 'rolled-back')
      assert.equal(entry.code, 'boot-failed')
      await fleet.is('one')
    })
    await trials.of('no daemon of it comes up: the machine reboots at the deadline', async () => {
      const nixos = 'systemd.services.thymesh.serviceConfig.ExecStart = lib.mkForce "/bin/false";'
      const laptop = await fleet.begin(booted('four', { nixos, updates: { ...once, deadlineSeconds: 60 } }))
      await fleet.until('to boot it', async () => fleet.begun('lab.four') === 1)
      await laptop.end()
      const entry = await fleet.journalled('failed', 'rolled-back')
      assert.equal(entry.code, 'boot-failed')
      assert.match(entry.message ?? '', /no daemon of it was up before the deadline/)
      await fleet.is('one')
    })
  },
}

export const bootFlapping: Scenario = {
  name: 'boot-flapping',
  title: 'UEFI: the power goes in the boots of an update, and the update is tried again',
  async run(trials) {
    await using fleet = await BootFleet.booted()
    await trials.of('two boots of it are cut before its daemon is up, the third one is not', async () => {
      const laptop = await fleet.begin(booted('two', { updates: { bootAttempts: 3 } }))
      for (let cut = 1; cut <= 2; cut++) {
        await fleet.until('to boot it', async () => fleet.begun('lab.two') >= cut)
        await fleet.powerCycle()
        assert.equal(await fleet.hello(), 'one')
      }
      await fleet.journalled('committed')
      await laptop.end()
      await fleet.is('two')
    })
  },
}

export const bootFullEsp: Scenario = {
  name: 'boot-full-esp',
  title: 'UEFI: no room on the ESP for another kernel: the old generation stays, and its menu is whole',
  async run(trials) {
    await using fleet = await BootFleet.booted()
    const { machine } = fleet
    const nixos = 'lab.kernelPadding = "two";'
    await trials.of('a full ESP', async () => {
      await machine.must('dd if=/dev/zero of=/boot/filler bs=1M 2>/dev/null; sync')
      const row = await fleet.deploy({ hello: 'two', nixos })
      assert.match(row.error?.message ?? '', /No space left on device/)
      await fleet.is('one')
      await fleet.powerCycle()
      await fleet.is('one')
    })
    await trials.of('with room again', async () => {
      await machine.must('rm /boot/filler; sync')
      await fleet.update(booted('three', { nixos }))
      await fleet.is('three')
    })
  },
}

export const bootCounters: Scenario = {
  name: 'boot-counters',
  title: 'UEFI: a committed generation whose counters are used up gives way, and the report says so',
  async run(trials) {
    await using fleet = await BootFleet.booted()
    const { machine } = fleet
    const masked = '/etc/systemd/system.control/thymesh.service'
    await trials.of('three boots of it without a daemon', async () => {
      await fleet.update({ hello: 'two' })
      await machine.must(`mkdir -p ${masked.replace(/\/[^/]*$/, '')} && ln -s /dev/null ${masked} && sync`)
      for (let boot = 0; boot < 3; boot++) {
        await fleet.powerCycle()
        assert.equal(await fleet.hello(), 'two')
      }
    })
    await trials.of('the loader falls back, and the daemon says so', async () => {
      await fleet.powerCycle()
      assert.equal(await fleet.hello(), 'one')
      await machine.must(`rm ${masked} && systemctl daemon-reload && systemctl start thymesh.service`)
      const entry = await fleet.journalled('rolled-back')
      assert.equal(entry.code, 'boot-failed')
    })
  },
}

/** States before the reboot, and after it. */
const states = ['staging', 'rebooting', 'probing', 'confirming', 'committing'] as const

export const bootPowerCut: Scenario = {
  name: 'boot-power-cut',
  title: 'UEFI: the power goes in every state of an update that is booted',
  async run(trials) {
    await using fleet = await BootFleet.booted()
    let at = 0
    for (const state of states) {
      await trials.of(`power cut at ${state}`, async () => {
        await fleet.daemonRuns()
        const before = await fleet.hello()
        const next = `n${++at}`
        await fleet.pausing(state)
        const laptop = await fleet.begin(booted(next))
        await fleet.journalled(state)
        await fleet.until('to be paused', async () => (await fleet.log()).includes('paused, as THYMESH_PAUSE_AT says'))
        await fleet.pausing(undefined)
        await fleet.powerCycle()
        assert.ok([before, next].includes(await fleet.hello()))
        await fleet.until('to commit it', async () => {
          const entry = await fleet.journal()
          return entry?.state === 'committed' && (await fleet.hello()) === next
        })
        await laptop.end()
        await fleet.is(next)
      })
    }
  },
}
