/** The verdicts of a rehearsal, with a machine and a fleet that do as they are told. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Report } from '../../protocol/report/report.ts'
import type { RehearsalPlan, RehearsalStep } from '../api/schemas/rehearsal.ts'
import { runSteps } from './steps.ts'

const path = (name: string) => `/nix/store/${'0'.repeat(32)}-${name}`
const [old, next] = [path('old'), path('next')]

/** What goes another way than on a good machine. */
interface Faults {
  /** The boot default after the power cut. */
  readonly bootsAfterCut?: string
  /** The report of the update in place of its success. */
  readonly report?: Partial<Report>
  /** The journal's state when the power should go. */
  readonly journal?: string
  /** Units that fail after the reboot. */
  readonly unitsAfterReboot?: readonly string[]
  /** Units that fail before it. */
  readonly unitsAtFirst?: readonly string[]
  /** Whether the machine says nothing of its units after the reboot. */
  readonly mute?: boolean
  /** Whether the daemon reports again after the reboot. */
  readonly silent?: boolean
  /** Another kind of machine: its image has what is tried. */
  readonly image?: boolean
}

async function rehearsed(from: boolean, faults: Faults = {}): Promise<RehearsalStep[]> {
  const steps: RehearsalStep[] = []
  let boots = 0
  let version = 0
  let [runs, starts]: [string | undefined, string | undefined] = [undefined, undefined]
  let [wants, cut, rebooted] = ['', false, false]
  const system = (topLevel: string) => ({ topLevel, secrets: {} })
  const plan = {
    ...{
      config: 'web',
      device: 'north',
      system: 'x86_64-linux',
      store: null,
      program: faults.image ? '/nix/store/image/bin/run' : null,
      next: system(next),
    },
    from: from ? { ...system(old), release: 3 } : null,
  } as RehearsalPlan
  const report = (): Report => {
    const ends =
      wants === next && !cut && !faults.image
        ? { state: 'testing', wanted: version }
        : { state: 'running', release: version }
    const more = wants === next && (cut || faults.report?.error !== undefined) ? faults.report : {}
    if (ends.state === 'running' && more?.state === undefined) [runs, starts] = [wants, wants]
    return { ...ends, boot: Buffer.alloc(8, faults.silent ? 0 : boots), ...more } as Report
  }
  await runSteps({
    plan,
    seconds: 1,
    tell: step => steps.push(step),
    fleet: {
      hasJoined: true,
      release: async ({ topLevel }) => {
        wants = topLevel
        return ++version
      },
      report,
    },
    machine: {
      boot: async () => {
        boots += 1
      },
      failedUnits: async () => {
        if (rebooted && faults.mute) return undefined
        return rebooted ? [...(faults.unitsAfterReboot ?? [])] : [...(faults.unitsAtFirst ?? [])]
      },
      generations: async () => ({
        running: runs,
        boots: cut && wants === next && runs !== next ? (faults.bootsAfterCut ?? starts) : starts,
      }),
      log: async () => 'the log',
      powerCut: async () => {
        cut = true
      },
      reboot: async () => {
        boots += 1
        rebooted = true
      },
      updateState: () => faults.journal ?? 'probing',
    },
  })
  return steps
}

const names = (steps: readonly RehearsalStep[]) => steps.map(({ step }) => step)
const last = (steps: readonly RehearsalStep[]) => steps.at(-1)

describe('a rehearsal', () => {
  it('of an update goes there, through a power cut and a reboot, and back', async () => {
    const steps = await rehearsed(true)
    assert.deepEqual(names(steps), ['boot', 'join', 'install', 'power cut', 'update', 'reboot', 'roll back'])
    assert.ok(
      steps.every(({ ok }) => ok),
      JSON.stringify(steps),
    )
  })

  it('of a first install has nothing to go back to', async () => {
    const steps = await rehearsed(false)
    assert.deepEqual(names(steps), ['boot', 'join', 'power cut', 'install', 'reboot'])
    assert.ok(
      steps.every(({ ok }) => ok),
      JSON.stringify(steps),
    )
  })

  it('of a first install in QEMU begins with what its image has', async () => {
    const steps = await rehearsed(false, { image: true })
    assert.deepEqual(names(steps), ['boot', 'join', 'install', 'power cut', 'reboot'])
    assert.ok(
      steps.every(({ ok }) => ok),
      JSON.stringify(steps),
    )
  })

  it('of a first install in QEMU fails where units of its image do, and elsewhere compares with them', async () => {
    const image = await rehearsed(false, { image: true, unitsAtFirst: ['web.service'] })
    assert.deepEqual([last(image)?.step, last(image)?.said], ['join', 'these units fail: web.service'])
    const update = await rehearsed(true, { unitsAtFirst: ['web.service'] })
    assert.equal(last(update)?.ok, true)
  })

  it('fails where something else boots after the power cut', async () => {
    const steps = await rehearsed(true, { bootsAfterCut: path('other') })
    assert.deepEqual([last(steps)?.step, last(steps)?.ok], ['power cut', false])
    assert.ok(last(steps)?.said.includes('other'))
  })

  it('fails where the update is confirmed before the power can go', async () => {
    const steps = await rehearsed(true, { journal: 'committed' })
    assert.deepEqual([last(steps)?.step, last(steps)?.ok], ['power cut', false])
  })

  it('says what the device says of an update that fails for good', async () => {
    const error = { code: 'health-failed', message: 'a unit fails' }
    const health = { state: 'failed', units: ['web.service'] } as const
    const steps = await rehearsed(true, {
      report: { state: 'rolled-back', wanted: 2, error, health: { ...health, units: [...health.units] } },
    })
    assert.equal(last(steps)?.ok, false)
    assert.match(last(steps)?.said ?? '', /rolled-back: health-failed: a unit fails\nunits that fail: web\.service/)
  })

  it('waits for what the device tries again by itself, up to the limit', async () => {
    const error = { code: 'interrupted', message: 'the machine started anew' }
    const steps = await rehearsed(true, { report: { state: 'rolled-back', wanted: 2, error } })
    assert.deepEqual([last(steps)?.step, last(steps)?.ok], ['update', false])
    assert.match(last(steps)?.said ?? '', /waited in vain for .*-next to run\nthe log/)
  })

  it('fails where a unit fails only after a reboot, or the daemon is silent', async () => {
    const failed = await rehearsed(true, { unitsAfterReboot: ['web.service'] })
    assert.deepEqual(
      [last(failed)?.step, last(failed)?.said],
      ['reboot', 'these units fail after a reboot: web.service'],
    )
    const mute = await rehearsed(true, { mute: true })
    assert.deepEqual(
      [last(mute)?.step, last(mute)?.said],
      ['reboot', 'the machine does not tell which units fail after a reboot'],
    )
    const silent = await rehearsed(true, { silent: true })
    assert.deepEqual([last(silent)?.step, last(silent)?.ok], ['reboot', false])
  })
})
