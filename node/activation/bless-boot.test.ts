/** Tests of boots that are called good ones: as soon as the committed generation is well after one, and never before. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { activatorOf, live, machineOf, next, old, signal, wantedOf } from '../../test/helpers/simulated-life.ts'
import type { Fault, SimulatedMachine } from '../../test/helpers/simulated-machine.ts'
import { until } from '../../test/helpers/until.ts'
import type { Activator } from './activator.ts'

const probes = [{ kind: 'unit', unit: 'web.service', withinSeconds: 1, intervalSeconds: 1, successes: 1 }] as const

describe('a boot of a generation that was committed', () => {
  /** One that has it committed, and has not booted it yet. */
  async function committed(): Promise<SimulatedMachine> {
    const machine = machineOf()
    const end = await live(machine, wantedOf({ health: { settleSeconds: 0, probes: [...probes] } }))
    assert.ok(end !== 'crashed')
    assert.equal(end.state, 'committed')
    machine.blessed = false
    return machine
  }

  /** A new daemon, after what has happened to the one before, or to the machine. */
  async function after(machine: SimulatedMachine, fault: Fault): Promise<Activator> {
    machine.crashAfter(0, fault, true)
    assert.equal(await live(machine, wantedOf()), 'crashed')
    machine.revive()
    const activator = activatorOf(machine)
    await activator.resume({ signal })
    return activator
  }

  /** Until its probes have been asked twice more. */
  const asked = async (machine: SimulatedMachine) => {
    const { asks } = machine
    await until(() => machine.asks >= asks + 2, 'two looks')
  }

  it('is a good one with the next daemon that finds it well; a new daemon alone is no boot', async () => {
    const machine = await committed()
    await (await after(machine, 'daemon')).blessing.ended
    assert.equal(machine.blessed, false)
    await (await after(machine, 'power')).blessing.ended
    assert.equal(machine.blessed, true)
  })

  it('is a good one as soon as its probes are well, however late', async () => {
    const machine = await committed()
    machine.down = true
    const { blessing } = await after(machine, 'power')
    await asked(machine)
    assert.equal(machine.blessed, false)
    machine.down = false
    await blessing.ended
    assert.equal(machine.blessed, true)
  })

  it('is no good one because a newer release was refused', async () => {
    const machine = await committed()
    assert.ok(machine.journal)
    machine.journal = { ...machine.journal, state: 'rolled-back', release: 3, code: 'degraded', new: old, old: next }
    await (await after(machine, 'daemon')).blessing.ended
    assert.equal(machine.blessed, false, 'it did not boot yet')
    machine.down = true
    const { blessing } = await after(machine, 'power')
    await asked(machine)
    assert.equal(machine.blessed, false, 'its probes are not well')
    machine.down = false
    await blessing.ended
    assert.equal(machine.blessed, true)
  })
})
