/** A device that will reboot for an update: what it reports while it waits. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { awaitsReboot } from '../../protocol/report/awaiting-reboot.ts'
import { releaseOf, scene, topOf } from '../../test/helpers/device-in-memory.ts'

describe('a device that waits for a reboot', () => {
  it('says that an update waits for a reboot: as its turn, and as what a newer peer reads', async t => {
    const { device, machine, gate, release, reported } = await scene(t)
    machine.runs = topOf('one')
    machine.needsBoot = 'the kernel changed'
    const opens = Promise.withResolvers<void>()
    const turn = { release: 2, wave: 1, is: 'waiting', reason: 'needs a reboot' } as const
    gate.waits = { turn, until: opens.promise }
    device.start()
    release(releaseOf(2, 'two'))
    const report = await reported(each => each.turn !== undefined)
    assert.deepEqual([report.state, report.turn, awaitsReboot(report)], ['running', turn, 'the kernel changed'])
    opens.resolve()
    const after = await reported(({ running }) => running === topOf('two'))
    assert.equal(awaitsReboot(after), undefined)
  })
})
