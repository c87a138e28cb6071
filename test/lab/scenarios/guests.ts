/** A guest of a device: a container that the release of its host brings, and a device of the fleet of its own. */

import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { hello } from '../../e2e/helpers/project.ts'
import { labBase } from '../base.ts'
import type { LabDevice } from '../device.ts'
import { LabFleet } from '../fleet.ts'
import type { Scenario } from './scenario.ts'

const unit = 'thymesh-guest-cow.service'
const place = '/var/lib/thymesh-guests/cow'
/** What a machine of the lab hasn't by itself: nodes of loop devices, which are the kernel's, and its own settings of the kernel. */
const loops = `[Unit]
DefaultDependencies=no
Before=sysinit.target
[Service]
Type=oneshot
ExecStart=mount -o remount,bind,rw /proc/sys
ExecStart=/bin/sh -c 'test -e /dev/loop-control || mknod /dev/loop-control c 10 237; i=0; while [ $i -lt 64 ]; do test -e /dev/loop$i || mknod /dev/loop$i b 7 $i; i=$((i + 1)); done'
`
/** A first start copies a program, on a loaded computer. */
const deployArgs = ['deploy', '--timeout', '600'] as const
const settings = { settleSeconds: 1, deadlineSeconds: 600, peers: 0 }

export const guests: Scenario = {
  name: 'guests',
  title:
    'a guest of a device joins, updates, comes back after a reboot of its host, and keeps its disk when it is gone',
  async run(trials) {
    await using fleet = await LabFleet.create('barn')
    const { operator } = fleet
    const barn = await fleet.device({
      name: 'barn',
      packages: ['systemd-container', 'e2fsprogs', 'nftables'],
      capabilities: ['CAP_NET_ADMIN'],
      // A distribution beside its own.
      binds: [{ from: await labBase(), to: '/srv/debian' }],
      files: {
        '/usr/lib/systemd/system/lab-loops.service': loops,
        '/usr/lib/systemd/system/sysinit.target.d/lab-loops.conf': '[Unit]\nWants=lab-loops.service\n',
      },
    })
    const commit = (message: string, guests: object[], more: Record<string, object | undefined> = {}) =>
      operator.commit(message, {
        'configs/hello.json': hello(message, { updates: settings }),
        'devices/barn.json': {
          config: 'hello',
          modules: { 'virtual-machines': { guests } },
        },
        ...more,
      })
    const cow = { name: 'cow', memoryMegabytes: 512, diskMegabytes: 1024, token: 'cow-join' }
    const complete = async (...args: string[]) => {
      const { code, stdout, stderr } = await operator.runWith({ limitMs: 660_000 }, ...deployArgs, ...args, '--json')
      assert.equal(code, 0, `${stdout}${stderr}\n${await journal(barn)}`)
    }
    /** What a guest hears from a port of the operator's computer at which nobody listens. */
    const outside = async () => {
      const dial = `timeout 5 bash -c 'echo >/dev/tcp/${fleet.network.address}/9'`
      return (await inside(barn, 'cow', 'sh', '-c', dial)).stderr
    }
    const message = async () => (await inside(barn, 'cow', 'cat', '/etc/hello')).stdout.trim()

    /** A token of its own, as a secret of the project. */
    const giveToken = async (name: string) => {
      const file = join(operator.directory, `${name}.token`)
      await writeFile(file, await operator.token('--names', name, '--uses', '1'))
      await operator.json('secret', 'add', `${name}-join`, '--from', file)
    }

    await trials.of('a release brings it: it is made, joins by its token, and gets its own config', async () => {
      await giveToken('cow')
      await commit('one', [cow], { 'devices/cow.json': { config: 'hello' } })
      await complete()
      assert.equal(await message(), 'one')
    })
    const key = (await inside(barn, 'cow', 'sha256sum', '/var/lib/thymesh/identity.key')).stdout
    await trials.of('its token is on no disk of its', async () => {
      const script = `grep -rlF -D skip thymesh-join- /var/lib /etc 2>/dev/null; true`
      assert.equal((await inside(barn, 'cow', 'sh', '-c', script)).stdout, '')
    })
    await trials.of('it updates beside its host, and a change of the host’s config alone leaves it on', async () => {
      const first = await barn.host.unit(unit, 'MainPID')
      await commit('two', [{ ...cow, token: undefined }])
      await complete()
      assert.deepEqual([await message(), await barn.host.unit(unit, 'MainPID')], ['two', first])
    })
    await trials.of('it reaches what its host reaches, unless it is kept in; its disk grows', async () => {
      assert.match(await outside(), /refused/)
      await commit('two', [{ ...cow, token: undefined, network: 'device', diskMegabytes: 1536 }])
      await complete()
      assert.equal(await message(), 'two')
      assert.doesNotMatch(await outside(), /refused/)
      const [, blocks = '0'] = (await inside(barn, 'cow', 'df', '-m', '--output=size', '/var/lib')).stdout.split('\n')
      assert.ok(Number(blocks) > 1100, `its disk has grown: ${blocks} MiB`)
    })
    await trials.of('its host reboots: it is back, the same device, and updates', async () => {
      await barn.host.reboot()
      await barn.until('to have its guest again', async () => (await message()) === 'two')
      assert.equal((await inside(barn, 'cow', 'sha256sum', '/var/lib/thymesh/identity.key')).stdout, key)
      await commit('four', [{ ...cow, token: undefined, diskMegabytes: 1536 }])
      await complete()
      assert.equal(await message(), 'four')
    })
    await trials.of('the power of its host is cut: it is back', async () => {
      await barn.host.powerCut()
      await barn.host.boot()
      await barn.until('to have its guest again', async () => (await message()) === 'four')
    })
    await trials.of('its unit stops it in order, and starts it', async () => {
      await barn.host.must(['systemctl', 'stop', unit], { timeout: 300_000 })
      assert.equal(await barn.host.unit(unit, 'Result'), 'success')
      assert.doesNotMatch(await journal(barn), /was killed/)
      await barn.host.must(['systemctl', 'start', unit], { timeout: 900_000 })
      await barn.until('to have its guest again', async () => (await message()) === 'four')
    })
    const calf = { ...cow, name: 'calf', token: 'calf-join', root: '/srv/debian' }
    await trials.of('another one boots beside it, from a root of its own', async () => {
      await giveToken('calf')
      const both = [{ ...cow, token: undefined, diskMegabytes: 1536 }, calf]
      await commit('four', both, { 'devices/calf.json': { config: 'hello' } })
      await complete()
      assert.equal((await inside(barn, 'calf', 'cat', '/etc/hello')).stdout.trim(), 'four')
      assert.equal(await message(), 'four')
    })
    await trials.of('it leaves the config: it is off, and its disk stays; the other one stays on', async () => {
      const before = await barn.host.unit('thymesh-guest-calf.service', 'MainPID')
      await commit('five', [calf])
      // The guest that is off gets no release any more.
      await complete('--wait-for', 'barn')
      assert.equal(await barn.host.unit(unit, 'ActiveState'), 'inactive')
      await barn.host.must(['test', '-s', `${place}/disk.img`])
      assert.equal((await inside(barn, 'cow', 'true')).code, 1)
      assert.equal(await barn.host.unit('thymesh-guest-calf.service', 'MainPID'), before)
      await operator.json('retire', 'cow', '--yes')
    })
  },
}

/** Runs a program in a guest; code 1 while it is off. */
async function inside(barn: LabDevice, guest: string, ...argv: string[]) {
  // Its systemd is PID 1 of a namespace, below the machine's own.
  const find = `guest=$1; shift
for status in /proc/[0-9]*/status; do
  grep -qsE '^NSpid:.*[[:space:]]1$' "$status" && grep -qsE '^Name:[[:space:]]systemd$' "$status" || continue
  pid=\${status#/proc/}; pid=\${pid%/status}
  [ "$pid" != 1 ] && [ "$(cat "/proc/$pid/root/etc/hostname")" = "$guest" ] && exec nsenter -t "$pid" -a "$@"
done
exit 1`
  return await barn.host.exec(['sh', '-c', find, 'sh', guest, ...argv])
}

async function journal({ host }: LabDevice): Promise<string> {
  return (await host.exec(['journalctl', '-o', 'cat', '--no-pager', '-n', '100', '-u', unit])).stdout
}
