/** The steps of a rehearsal: boot, join, what runs now, the update with a power cut in it, a reboot, and back again. */

import { setTimeout as sleep } from 'node:timers/promises'
import { equalBytes } from '../../protocol/encoding/hash.ts'
import { HintedError, messageOf } from '../../protocol/errors.ts'
import { finalUpdateErrors, type Report, standingUpdateErrors } from '../../protocol/report/report.ts'
import type { RehearsalPlan, RehearsalStep, TriedSystem } from '../api/schemas/rehearsal.ts'
import type { ThrowawayFleet } from './throwaway-fleet.ts'

/** What the steps ask of a machine: a container, or QEMU. */
export interface SteppedMachine {
  /** Switches it on, if it is off, and waits until it is up. */
  boot(): Promise<void>
  /** Undefined where the machine doesn't tell. */
  failedUnits(): Promise<string[] | undefined>
  generations(): Promise<{ readonly running: string | undefined; readonly boots: string | undefined }>
  log(): Promise<string>
  powerCut(): Promise<void>
  reboot(): Promise<void>
  /** The state of the update to this top level. */
  updateState(topLevel: string): string | undefined
}

const pollMs = 100
/** Of what is said of a failure. */
const maxSaid = 8000

export interface StepsInit {
  readonly plan: RehearsalPlan
  readonly fleet: Pick<ThrowawayFleet, 'hasJoined' | 'release' | 'report'>
  readonly machine: SteppedMachine
  /** How long all of it may take. */
  readonly seconds: number
  tell(step: RehearsalStep): void
}

/** Why a step failed. */
class StepError extends HintedError {
  constructor(words: string) {
    super('step-failed', words, { hint: 'It is a verdict, which the command prints.' })
  }
}

/** Does them in order, up to the first that fails; tells each. */
export async function runSteps({ plan, fleet, machine, seconds, tell }: StepsInit): Promise<void> {
  const deadline = performance.now() + seconds * 1000
  const { from, next } = plan
  // The image of a NixOS machine has it already.
  const isInstalled = plan.program !== null && from === null
  let version = 0
  let baseline: readonly string[] = []

  async function until(what: string, holds: () => Promise<boolean> | boolean): Promise<void> {
    while (!(await holds())) {
      if (performance.now() > deadline) throw new StepError(`waited in vain for ${what}\n${await lastLines()}`)
      await sleep(pollMs)
    }
  }

  const lastLines = async () => (await machine.log()).split('\n').slice(-15).join('\n')

  /** Waits for the end of the newest release's update; throws what the device says of it, if that is bad. */
  async function ended(system: TriedSystem): Promise<string> {
    let report: Report | undefined
    await until(`${system.topLevel} to run`, () => {
      report = fleet.report()
      if (report?.wanted === version && isBad(report)) throw new StepError(complaint(report))
      return report?.state === 'running' && report.release === version
    })
    const { running, boots } = await machine.generations()
    if (running !== system.topLevel) throw new StepError(`expected ${system.topLevel} to run, got ${running}`)
    if (boots !== system.topLevel) throw new StepError(`expected ${system.topLevel} as the boot default, got ${boots}`)
    const { health } = report ?? {}
    const units = health?.units?.join(', ')
    if (health?.state === 'degraded') return `committed, though these units fail: ${units}`
    return health === undefined ? 'it runs; its probes were not run' : 'committed and healthy'
  }

  const steps: Partial<Record<RehearsalStep['step'], () => Promise<string>>> = {
    boot: async () => {
      await machine.boot()
      baseline = (await machine.failedUnits()) ?? []
      return baseline.length === 0
        ? 'the machine is up'
        : `up; these units failed before any update: ${baseline.join(', ')}`
    },
    join: async () => {
      await until('the device to join', () => fleet.hasJoined)
      // One that is only reached over the mesh can't have told before.
      baseline = [...new Set([...baseline, ...((await machine.failedUnits()) ?? [])])]
      // In the image of a first install, what fails is what is tried.
      if (isInstalled && baseline.length > 0) throw new StepError(`these units fail: ${baseline.join(', ')}`)
      return 'the device is a member'
    },
    ...(from && {
      install: async () => {
        version = await fleet.release(from, `What release ${from.release} brought`)
        return await ended(from)
      },
    }),
    ...(isInstalled && {
      install: async () => {
        version = await fleet.release(next, 'What is tried')
        return await ended(next)
      },
    }),
    'power cut': async () => {
      if (isInstalled) {
        await machine.powerCut()
        await machine.boot()
        const { running, boots } = await machine.generations()
        if (running === next.topLevel && boots === next.topLevel) return 'the same came up again'
        throw new StepError(`expected ${next.topLevel} to run and to boot, got ${running} and ${boots}`)
      }
      version = await fleet.release(next, 'What is tried')
      await until('the update to be switched to', () => {
        const report = fleet.report()
        if (report?.wanted === version && isBad(report)) throw new StepError(complaint(report))
        const at = machine.updateState(next.topLevel)
        if (at === 'committed') throw new StepError('the update was confirmed before the power could be cut')
        return at === 'probing' || at === 'confirming'
      })
      await machine.powerCut()
      await machine.boot()
      const { boots } = await machine.generations()
      // It may have been committed by now: then both are the new one.
      if (boots !== from?.topLevel && boots !== next.topLevel) {
        throw new StepError(`expected ${from?.topLevel ?? 'no generation'} as the boot default, got ${boots}`)
      }
      return from ? 'what ran before came up again' : 'the machine came up as it was'
    },
    ...(!isInstalled && { [from ? 'update' : 'install']: async () => await ended(next) }),
    reboot: async () => {
      const before = fleet.report()?.boot
      await machine.reboot()
      await until('a report after the reboot', () => {
        const report = fleet.report()
        return report?.state === 'running' && !sameBoot(report.boot, before)
      })
      const { running } = await machine.generations()
      if (running !== next.topLevel) throw new StepError(`expected ${next.topLevel} to run, got ${running}`)
      const known = new Set([...baseline, ...(fleet.report()?.health?.units ?? [])])
      const all = await machine.failedUnits()
      if (all === undefined) throw new StepError('the machine does not tell which units fail after a reboot')
      const failed = all.filter(unit => !known.has(unit))
      if (failed.length > 0) throw new StepError(`these units fail after a reboot: ${failed.join(', ')}`)
      return 'the same came up, and no unit fails'
    },
    ...(from && {
      'roll back': async () => {
        version = await fleet.release(from, 'Back')
        return await ended(from)
      },
    }),
  }
  for (const [step, work] of Object.entries(steps) as [RehearsalStep['step'], () => Promise<string>][]) {
    const began = performance.now()
    const told = (ok: boolean, said: string) =>
      tell({ step, ok, seconds: Math.round((performance.now() - began) / 100) / 10, said: said.slice(0, maxSaid) })
    try {
      told(true, await work())
    } catch (thrown) {
      told(false, messageOf(thrown))
      return
    }
  }
}

/** Whether both reports are by one process of the daemon. */
function sameBoot(a: Uint8Array | undefined, b: Uint8Array | undefined): boolean {
  return a !== undefined && b !== undefined && equalBytes(a, b)
}

/** Whether the device has given up on the update: a cut of the power, or a fetch that stalls, it tries again by itself. */
function isBad({ state, error }: Report): boolean {
  if (state === 'held') return true
  const ends = [...finalUpdateErrors, ...standingUpdateErrors]
  return (state === 'failed' || state === 'rolled-back') && ends.includes(error?.code ?? '')
}

/** What the device says of an update that did not stay. */
function complaint({ state, error, health, excerpt }: Report): string {
  const probes = health?.probes?.length ? `\nprobes that failed: ${health.probes.join(', ')}` : ''
  const units = health?.units?.length ? `\nunits that fail: ${health.units.join(', ')}` : ''
  return `${state}: ${error?.code ?? 'no reason'}: ${error?.message ?? ''}${units}${probes}${excerpt ? `\n${excerpt}` : ''}`
}
