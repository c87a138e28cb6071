/** Properties of an update: whenever the daemon or the power goes, it ends in the old or the new generation and says so. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import type { UpdatePolicyInput } from '../../protocol/release/update-policy.ts'
import { silentLogger } from '../../test/helpers/log.ts'
import {
  activatorOf,
  live,
  logs,
  machineOf,
  next,
  old,
  signal,
  store,
  wantedOf,
  well,
} from '../../test/helpers/simulated-life.ts'
import { type Behaviour, type Fault, SimulatedMachine } from '../../test/helpers/simulated-machine.ts'
import { Activator } from './activator.ts'
import type { JournalEntry } from './journal-entry.ts'
import { SwitchError } from './switch-error.ts'

async function update(behaviour: Partial<Behaviour>, policy?: UpdatePolicyInput) {
  const machine = machineOf(behaviour)
  const end = await live(machine, wantedOf(policy))
  assert.ok(end !== 'crashed')
  return { machine, end }
}

describe('an update', () => {
  it('that is well runs and boots', async () => {
    const { machine, end } = await update({})
    assert.deepEqual([end.state, machine.runs, machine.bootsNext], ['committed', next, next])
  })

  const failures: [what: string, behaviour: Partial<Behaviour>, code: string][] = [
    ['whose switch changes nothing', { code: 1 }, 'switch-failed'],
    ['whose switch stops halfway', { code: 3 }, 'switch-failed'],
    ['whose units fail', { code: 4, unitFails: true }, 'degraded'],
    ['that cuts the network', { reachable: false }, 'no-contact'],
    ["that can't be made what boots", { commitFails: true }, 'switch-failed'],
  ]
  for (const [what, behaviour, code] of failures) {
    it(`${what} is rolled back`, async () => {
      const { machine, end } = await update(behaviour)
      assert.deepEqual([end.state, end.code, machine.runs, machine.bootsNext], ['rolled-back', code, old, old])
    })
  }

  it('whose switch lacks room on the machine is no verdict: it is tried again, and at most so often', async () => {
    for (const prints of ['cp: error writing: No space left on device', 'ln: Read-only file system']) {
      const machine = machineOf({ code: 3, prints })
      const once = await activatorOf(machine).activate(wantedOf(), { signal })
      assert.deepEqual([once.state, once.code, machine.runs], ['interrupted', 'interrupted', old])
      assert.match(once.message ?? '', /ended with code 3/)
      machine.behave(well)
      assert.equal((await activatorOf(machine).activate(wantedOf(), { signal })).state, 'committed')
      const { end } = await update({ code: 3, prints })
      assert.deepEqual([end.state, end.code], ['failed', 'too-many-attempts'])
    }
  })

  it('with code 4 but no unit that had not failed before is well: exit codes alone decide nothing', async () => {
    assert.equal((await update({ code: 4 })).end.state, 'committed')
  })

  it('whose units fail stays where the policy says so, and says it', async () => {
    const { machine, end } = await update({ code: 4, unitFails: true }, { degraded: 'confirm' })
    assert.deepEqual([end.state, end.health?.state, machine.bootsNext], ['committed', 'degraded', next])
    assert.deepEqual(end.health?.units, ['bad.service'])
  })

  it('that is held runs and does not boot, and goes when a newer release comes', async () => {
    const behaviour = { code: 4, unitFails: true, reachable: true, commitFails: false }
    const machine = new SimulatedMachine({ old, new: next, behaviour })
    const superseded = new AbortController()
    const onState = ({ state }: JournalEntry) => {
      if (state !== 'held') return
      assert.deepEqual([machine.runs, machine.bootsNext], [next, old])
      setImmediate(() => superseded.abort())
    }
    const options = { signal, superseded: superseded.signal, onState }
    const end = await activatorOf(machine).activate(wantedOf({ degraded: 'hold' }), options)
    assert.deepEqual([end.state, end.code, machine.runs], ['rolled-back', 'superseded', old])
  })

  it('for another processor is refused, and nothing is touched', async () => {
    const machine = new SimulatedMachine({
      old,
      new: next,
      behaviour: { code: 0, unitFails: false, reachable: true, commitFails: false },
    })
    const end = await activatorOf(machine).activate({ ...wantedOf(), system: 'riscv64-linux' }, { signal })
    assert.deepEqual([end.state, end.code, machine.runs], ['failed', 'wrong-system', old])
  })

  it('whose machine goes down each time fails after the attempts that the policy gives', async () => {
    const machine = new SimulatedMachine({
      old,
      new: next,
      behaviour: { code: 0, unitFails: false, reachable: true, commitFails: false },
    })
    let end: JournalEntry | 'crashed' = 'crashed'
    for (let life = 0; life < 10 && end === 'crashed'; life++) {
      machine.diesTesting = true
      end = await live(machine, wantedOf({ attempts: 2 }))
    }
    assert.ok(end !== 'crashed')
    assert.deepEqual([end.state, end.code, machine.runs, machine.bootsNext], ['failed', 'too-many-attempts', old, old])
  })

  it('that the guard took back has failed, also when the machine started anew before the daemon could say so', async () => {
    for (let steps = 0; steps < 40; steps++) {
      const machine = new SimulatedMachine({
        old,
        new: next,
        behaviour: { code: 0, unitFails: false, reachable: true, commitFails: false },
      })
      machine.crashAfter(steps, 'daemon-past-deadline', true)
      if ((await live(machine, wantedOf())) !== 'crashed') break
      const { decided, journal } = machine
      machine.crashAfter(0, 'power', false)
      assert.equal(await live(machine, wantedOf()), 'crashed')
      if (decided !== 'roll-back' || journal?.state === 'armed') continue
      machine.revive()
      const end = await activatorOf(machine).resume({ signal })
      assert.deepEqual([end?.state, machine.runs], ['rolled-back', old], `${steps}: ${journal?.state}`)
      assert.match(end?.code ?? '', /^(deadline|no-contact)$/)
    }
  })

  it('that was committed and does not come up, so that the old one boots, has failed', async () => {
    const { machine } = await update({})
    machine.bootsNext = old
    machine.crashAfter(0, 'power', true)
    assert.equal(await live(machine, wantedOf()), 'crashed')
    machine.revive()
    const end = await activatorOf(machine).resume({ signal })
    assert.deepEqual([end?.state, end?.code], ['rolled-back', 'boot-failed'])
  })
})

describe("the machine's own trouble is no verdict", () => {
  const ends = async (machine: SimulatedMachine, policy?: UpdatePolicyInput) => {
    const end = await live(machine, wantedOf(policy))
    assert.ok(end !== 'crashed')
    return [end.state, end.code, end.attempt, machine.runs, machine.bootsNext]
  }

  it('when it lacks something for a moment at the commit', async () => {
    const machine = machineOf()
    machine.lacking = 2
    assert.deepEqual(await ends(machine), ['committed', undefined, 1, next, next])
  })

  it('when it lacks something for longer: the update is taken back, and tried again', async () => {
    const machine = machineOf()
    machine.lacking = 6
    assert.deepEqual(await ends(machine), ['committed', undefined, 2, next, next])
  })

  it('when the switch is killed: it is tried as often as the policy allows', async () => {
    const machine = machineOf({ code: null })
    assert.deepEqual(await ends(machine, { attempts: 2 }), ['failed', 'too-many-attempts', 3, old, old])
    assert.match(machine.journal?.message ?? '', /was killed/)
  })

  it('when the journal has no room for a moment', async () => {
    const machine = machineOf()
    let writes = 0
    const write = machine.write
    machine.write = async entry => {
      if (++writes % 3 === 0) throw new Error('no space left on device')
      await write(entry)
    }
    assert.deepEqual(await ends(machine), ['committed', undefined, 1, next, next])
  })

  it('when a stop reaches the program that commits before it reaches the daemon', async () => {
    const machine = machineOf()
    const stop = new AbortController()
    const { commit } = machine
    machine.commit = async () => {
      setImmediate(() => stop.abort(new Error('told to stop')))
      throw new SwitchError('switch-failed', 'ended with SIGTERM')
    }
    const components = { system: machine, journal: machine, logs, store, log: silentLogger }
    const contacts = async () => ({ all: 1, steady: 0 })
    const activator = new Activator({ ...components, contacts }, { root: undefined, pollMs: 0, retryPausesMs: [1000] })
    await assert.rejects(activator.activate(wantedOf(), { signal: stop.signal }), /told to stop/)
    assert.deepEqual([machine.journal?.state, machine.decided], ['committing', 'commit'])
    machine.commit = commit
    assert.deepEqual(await ends(machine), ['committed', undefined, 1, next, next])
  })

  for (const state of ['armed', 'probing', 'confirming', 'held', 'committing'] as const) {
    for (const then of ['starts again', 'starts again after the deadline', 'comes with another boot'] as const) {
      it(`when the daemon is told to stop while it is ${state}, and ${then}`, async () => {
        const machine = machineOf(state === 'held' ? { code: 4, unitFails: true } : {})
        const policy: UpdatePolicyInput = state === 'held' ? { degraded: 'hold' } : {}
        const stop = new AbortController()
        const onState = (entry: JournalEntry) => {
          if (entry.state === state) stop.abort(new Error('told to stop'))
        }
        await assert.rejects(activatorOf(machine).activate(wantedOf(policy), { signal: stop.signal, onState }), /told/)
        assert.equal(machine.journal?.state, state)
        machine.behave(well)
        if (then === 'starts again after the deadline') machine.passDeadline()
        if (then === 'comes with another boot') {
          machine.crashAfter(0, 'power', true)
          assert.equal(await live(machine, wantedOf(policy)), 'crashed')
        }
        const end = await live(machine, wantedOf(policy))
        assert.ok(end !== 'crashed')
        assert.deepEqual([end.state, machine.runs, machine.bootsNext], ['committed', next, next])
      })
    }
  }

  it('but a daemon that its own update stops, and that does not come back, is one', async () => {
    const machine = machineOf()
    const stop = new AbortController()
    const onState = ({ state }: JournalEntry) => {
      if (state === 'testing') stop.abort(new Error('told to stop'))
    }
    await assert.rejects(activatorOf(machine).activate(wantedOf(), { signal: stop.signal, onState }), /told to stop/)
    machine.passDeadline()
    assert.deepEqual(await ends(machine), ['rolled-back', 'deadline', 1, old, old])
  })

  it('when units stop since the machine goes down', async () => {
    const machine = machineOf({ code: 4, unitFails: true })
    machine.stopping = true
    const stop = new AbortController()
    const isStopping = machine.isStopping
    machine.isStopping = async () => {
      setImmediate(() => stop.abort(new Error('told to stop')))
      return isStopping()
    }
    await assert.rejects(activatorOf(machine).activate(wantedOf(), { signal: stop.signal }), /told to stop/)
    assert.equal(machine.journal?.state, 'probing')
  })
})

describe('an update that is interrupted anywhere, any number of times', () => {
  const behaviour = fc.record({
    code: fc.constantFrom(0, 0, 0, 1, 2, 3, 4, 100, null),
    unitFails: fc.boolean(),
    reachable: fc.boolean(),
    commitFails: fc.boolean(),
    needsBoot: fc.boolean(),
  })
  const crash = fc.record({
    after: fc.nat({ max: 40 }),
    fault: fc.constantFrom<Fault>('daemon', 'power', 'daemon-past-deadline'),
    late: fc.boolean(),
  })
  const policy = fc.record({
    degraded: fc.constantFrom('roll-back' as const, 'confirm' as const),
    attempts: fc.integer({ min: 1, max: 4 }),
  })

  it('ends in the old or the new generation, boots no other, and the journal says which', async () => {
    await fc.assert(
      fc.asyncProperty(
        behaviour,
        fc.array(crash, { maxLength: 6 }),
        policy,
        fc.boolean(),
        async (behaves, crashes, rules, isFirst) => {
          const machine = new SimulatedMachine({ old: isFirst ? undefined : old, new: next, behaviour: behaves })
          let end: JournalEntry | 'crashed' = 'crashed'
          for (const { after: steps, fault, late } of crashes) {
            machine.crashAfter(steps, fault, late)
            end = await live(machine, wantedOf(rules, { when: 'when-needed' }))
            if (end !== 'crashed') break
          }
          machine.noMoreCrashes()
          for (let life = 0; end === 'crashed' && life < 20; life++) {
            end = await live(machine, wantedOf(rules, { when: 'when-needed' }))
          }
          assert.ok(end !== 'crashed')
          assert.deepEqual(machine.journal, end)
          const before = machine.old
          const expected = end.state === 'committed' ? [next, next] : [before, before]
          assert.deepEqual([machine.runs, machine.bootsNext], expected, `${end.state} ${end.code}`)
          // The new one is never the boot default before that was decided.
          for (const { boots, decided } of machine.history) assert.ok(boots !== next || decided !== undefined)
          const switched = !behaves.needsBoot || isFirst
          if (end.state === 'committed' && switched) assert.ok(behaves.code === 0 || behaves.code === 4)
        },
      ),
      { numRuns: 100 },
    )
  })
})
