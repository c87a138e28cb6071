/** USB sticks that are plugged into a device: real file systems of Debian's kernel, real hot plug, and a stick that is pulled out. */

import assert from 'node:assert/strict'
import { statSync } from 'node:fs'
import { join } from 'node:path'
import type { FleetStatus } from '../../../controller/api/schemas/status.ts'
import { StickFleet } from '../boot/stick-fleet.ts'
import { exfatStick, fatStick, fromFatStick, rawStick } from '../boot/sticks.ts'
import type { Scenario } from './scenario.ts'

const noiseMegabytes = 24
/** A slow stick: time to pull it out. */
const slowBytesPerSecond = 1_000_000
/** What a pulled stick may cost in reads: the first looks at it, packs that were on their way, and what the kernel reads ahead. */
const mostTwice = 12 * 2 ** 20

export const usbSticks: Scenario = {
  name: 'usb-sticks',
  title: 'QEMU: sticks of FAT32, exFAT and none, hot-plugged into a device of the portable target; one is pulled out',
  async run(trials) {
    await using fleet = await StickFleet.create()
    const { machine, operator } = fleet
    /** What ran when the last stick came in. */
    let ran = ''
    const stick = (name: string) => join(fleet.directory, 'sticks', name)
    await trials.of('the network brings the rule and the unit, and then is gone', async () => {
      await fleet.boot()
      await fleet.bring('one')
      assert.equal(await machine.hello(), 'one')
      await machine.must(
        'test -e /etc/udev/rules.d/80-thymesh-sticks.rules && systemctl cat thymesh-stick@sdz1.service',
      )
      await fleet.pullCable()
    })
    await trials.of(
      'FAT32, pulled out in the middle and plugged in again: goes on, updates, and may be removed',
      async () => {
        const file = await fleet.bundle('two', noiseMegabytes)
        await fatStick(stick('pulled'), 'THYMESH', { 'two.thymesh': file })
        const first = await fleet.plug(stick('pulled'), slowBytesPerSecond)
        const { size } = statSync(file)
        await machine.until('to have read a half', async () => (await fleet.port.readBytes(first)) > size / 2)
        const before = await fleet.port.readBytes(first)
        await fleet.port.pull(first)
        await machine.until('to end the unit', async () => (await fleet.atWork()) === '')
        assert.notEqual((await fleet.told()).at(-1), 'done')
        assert.equal(await machine.must('systemctl show --value -p NRestarts thymesh.service'), '0')
        assert.equal(await machine.hello(), 'one')
        const again = await fleet.plug(stick('pulled'))
        await fleet.takes('two')
        const after = await fleet.port.readBytes(again)
        const megabytes = (bytes: number) => `${(bytes / 1e6).toFixed(1)} MB`
        const read = `${megabytes(before)} of ${megabytes(size)} were read before it was pulled out, ${megabytes(after)} after`
        assert.ok(before + after < size + mostTwice, read)
        await fleet.port.pull(again)
        return read
      },
    )
    await trials.of(
      'exFAT, written by the kernel; one without bundles and one of another name change nothing',
      async () => {
        const file = await fleet.bundle('three')
        await exfatStick(stick('exfat'), 'THYMESH')
        await fatStick(stick('cargo'), 'CARGO', { 'three.thymesh': file })
        const empty = await fleet.plug(stick('exfat'))
        await machine.until('to find no bundle', async () => (await fleet.said()).includes('at the top of /dev/'))
        const cargo = await fleet.plug(stick('cargo'))
        const seen = 'test -e /dev/disk/by-label/CARGO && test -e /dev/disk/by-label/THYMESH'
        await machine.until('to see both', async () => (await machine.exec(seen)).code === 0)
        await machine.must('mkdir /tmp/from /tmp/to && mount -o ro LABEL=CARGO /tmp/from')
        await machine.must('mount -t exfat LABEL=THYMESH /tmp/to && cp /tmp/from/three.thymesh /tmp/to/')
        await machine.must('umount /tmp/from /tmp/to')
        assert.deepEqual(await fleet.told(), [''])
        await fleet.port.pull(cargo)
        await fleet.port.pull(empty)
        const id = await fleet.plug(stick('exfat'))
        await fleet.mayBeRemoved('three')
        await fleet.port.pull(id)
      },
    )
    await trials.of('without a file system, while the device is busy with the update before', async () => {
      await rawStick(stick('raw'), await fleet.bundle('four'))
      const id = await fleet.plug(stick('raw'))
      await fleet.takes('four')
      await fleet.port.pull(id)
    })
    await trials.of('in when the machine boots', async () => {
      await fatStick(stick('early'), 'THYMESH', { 'five.thymesh': await fleet.bundle('five') }, ['thymesh-outbox'])
      ran = await machine.must('readlink /run/current-system')
      const id = await fleet.powerCycleWith(stick('early'))
      await fleet.takes('five')
      await fleet.port.pull(id)
    })
    await trials.of('the same stick takes home what only sticks have brought', async () => {
      const home = stick('home')
      await fromFatStick(stick('early'), 'thymesh-outbox', home)
      await operator.json('carry', 'in', home)
      const { devices } = await operator.json<FleetStatus>('status', '--wait', '0')
      assert.equal(devices.find(({ device }) => device === 'gate')?.running, ran)
    })
  },
}
