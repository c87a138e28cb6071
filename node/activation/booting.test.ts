/** Updates that are booted: whatever happens to a boot, the machine ends in the old or the new generation and says so. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { RebootPolicy } from '../../protocol/release/reboot-policy.ts'
import type { UpdatePolicyInput } from '../../protocol/release/update-policy.ts'
import { activatorOf, live, machineOf, next, old, signal, wantedOf } from '../../test/helpers/simulated-life.ts'
import { type Behaviour, Crash, type SimulatedMachine } from '../../test/helpers/simulated-machine.ts'
import type { JournalEntry } from './journal-entry.ts'
import { SwitchError } from './switch-error.ts'

describe('an update that is booted', () => {
  const reboot: RebootPolicy = { when: 'when-needed' }
  const booted = { needsBoot: true }

  /** The daemon's lives until the update has ended; each reboot ends one. */
  async function ends(machine: SimulatedMachine, policy?: UpdatePolicyInput, rules = reboot): Promise<JournalEntry> {
    for (let life = 0; life < 30; life++) {
      const end = await live(machine, wantedOf(policy, rules))
      if (end !== 'crashed') return end
    }
    return assert.fail('it never ended')
  }

  it('runs after its reboot, and only then boots by default', async () => {
    const machine = machineOf(booted)
    const end = await ends(machine)
    assert.deepEqual(
      [end.state, end.byBoot, machine.runs, machine.bootsNext],
      ['committed', 'the kernel changed', next, next],
    )
    assert.ok(machine.blessed, 'that boot was a good one')
    // Not before the machine ran it.
    const at = machine.history.findIndex(({ boots }) => boots === next)
    assert.ok(machine.history.slice(0, at).every(({ decided }) => decided !== 'roll-back'))
  })

  it('runs on where its last try brought it up: the loader takes it again once that boot is called a good one', async () => {
    const machine = machineOf({ ...booted, lastTry: true })
    const end = await ends(machine)
    assert.deepEqual([end.state, end.message, machine.runs, machine.bootsNext], ['committed', undefined, next, next])
  })

  it('is switched to where the policy says never, and booted each time where it says always', async () => {
    const never = await ends(machineOf(booted), {}, { when: 'never' })
    assert.deepEqual([never.state, never.byBoot], ['committed', undefined])
    const always = await ends(machineOf(), {}, { when: 'always' })
    assert.deepEqual([always.state, always.byBoot], ['committed', 'the policy says always to reboot'])
  })

  it('is refused where the policy says never, and it can not be switched to', async () => {
    const machine = machineOf(booted)
    machine.rebootNeed = async () => ({ reason: 'the switch inhibitor dbus changed', refusesSwitch: true })
    const end = await ends(machine, {}, { when: 'never' })
    assert.deepEqual([end.state, end.code, machine.runs], ['failed', 'needs-reboot', old])
    assert.match(end.message ?? '', /switch inhibitor dbus changed/)
  })

  const failures: [what: string, behaviour: Partial<Behaviour>, code: string][] = [
    ['whose units fail', { unitFails: true }, 'degraded'],
    ['that has no network', { reachable: false }, 'no-contact'],
    ["that can't be made what boots", { commitFails: true }, 'switch-failed'],
    ['whose daemon does not come up', { boot: 'no-daemon' }, 'boot-failed'],
  ]
  for (const [what, behaviour, code] of failures) {
    it(`${what} ends in the old generation`, async () => {
      const machine = machineOf({ ...booted, ...behaviour })
      const end = await ends(machine)
      assert.deepEqual([end.state, end.code, machine.runs, machine.bootsNext], ['rolled-back', code, old, old])
      assert.equal(machine.staged, undefined)
    })
  }

  it('that can not be made the next boot is not switched to instead', async () => {
    const machine = machineOf(booted)
    machine.stage = () => Promise.reject(new SwitchError('no-boot-once', "extlinux can't start a generation just once"))
    machine.test = () => assert.fail('it was switched to, without a deadline')
    const end = await ends(machine)
    assert.deepEqual([end.state, end.code, machine.runs, machine.bootsNext], ['rolled-back', 'no-boot-once', old, old])
  })

  it('is not switched to instead where the machine does not reboot', async () => {
    const machine = machineOf(booted)
    machine.reboot = () => Promise.reject(new Error('systemctl reboot ended with code 1'))
    machine.test = () => assert.fail('it was switched to, without a deadline')
    const end = await ends(machine, { bootAttempts: 2 })
    assert.deepEqual([end.state, end.code, machine.runs, machine.bootsNext], ['failed', 'boot-failed', old, old])
    assert.match(end.message ?? '', /systemctl reboot ended with code 1/)
    assert.equal(machine.staged, undefined)
  })

  it('that hangs is booted as often as the policy says: each time may have been a power cut', async () => {
    const machine = machineOf({ ...booted, boot: 'hangs' })
    const end = await ends(machine, { bootAttempts: 2 })
    assert.deepEqual([end.state, end.code, end.attempt, machine.runs], ['failed', 'boot-failed', 3, old])
    assert.match(end.message ?? '', /2 boots of it ended without a verdict: the machine did not come up with/)
  })

  it('that starts nothing at its boot ends in the old generation, which a living daemon starts', async () => {
    const machine = machineOf({ ...booted, boot: 'starts-nothing' })
    const end = await ends(machine, { bootAttempts: 2 })
    assert.deepEqual([end.state, end.code, machine.runs, machine.bootsNext], ['failed', 'boot-failed', old, old])
    assert.match(end.message ?? '', /the machine did not come up with/)
  })

  it('is held, and gives way to a newer release by another reboot', async () => {
    const machine = machineOf({ ...booted, unitFails: true })
    const superseded = new AbortController()
    const onState = ({ state }: JournalEntry) => {
      if (state === 'held') setImmediate(() => superseded.abort())
    }
    const wanted = wantedOf({ degraded: 'hold' }, reboot)
    const options = { signal, superseded: superseded.signal, onState }
    await assert.rejects(activatorOf(machine).activate(wanted, options), Crash)
    machine.revive()
    await assert.rejects(activatorOf(machine).resume(options), Crash)
    machine.revive()
    const end = await activatorOf(machine).resume(options)
    assert.deepEqual([end?.state, end?.code, machine.runs, machine.bootsNext], ['rolled-back', 'superseded', old, old])
  })

  for (const fault of ['daemon', 'power', 'daemon-past-deadline'] as const) {
    it(`ends in the old or the new generation when the ${fault} goes at any step`, async () => {
      for (let steps = 0; steps < 60; steps++) {
        for (const late of [false, true]) {
          const machine = machineOf(booted)
          machine.crashAfter(steps, fault, late)
          const end = await ends(machine)
          const expected = end.state === 'committed' ? [next, next] : [old, old]
          assert.deepEqual([machine.runs, machine.bootsNext], expected, `${steps}: ${end.state} ${end.code}`)
          assert.deepEqual([machine.staged, machine.isGuarded], [undefined, false], `${steps}`)
          if (fault !== 'daemon-past-deadline') assert.equal(end.state, 'committed', `${steps}: ${end.code}`)
        }
      }
    })
  }
})
