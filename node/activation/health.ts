/** The health after a switch: the policy's probes, and units that are not well and were before. */

import { setTimeout as sleep } from 'node:timers/promises'
import { limits } from '../../protocol/limits.ts'
import { type Probe, probeName, timingOf, type UpdatePolicy } from '../../protocol/release/update-policy.ts'
import type { Health } from '../../protocol/report/report.ts'
import type { Logger } from '../process/log.ts'
import { askProbe } from './probe.ts'
import type { ActivationSystem } from './system.ts'
import type { UnitProblem, UnitWatch } from './unit-health.ts'

export interface HealthComponents {
  system: Pick<ActivationSystem, 'startsUnits' | 'unitIsActive'>
  log: Logger
}

/** A verdict, and what was found in words, for the log of a failure. */
export interface Verdict {
  readonly health: Health
  readonly findings: string[]
}

/**
 * Asks everything side by side; resolves when each question has its answer, which takes the policy's settling time.
 * Without a watch no units are looked at. Rejects when the signal aborts.
 */
export async function checkHealth(
  { system, log }: HealthComponents,
  policy: UpdatePolicy['health'],
  watch: UnitWatch | undefined,
  options: { signal: AbortSignal; pollMs: number },
): Promise<Verdict> {
  const { signal, pollMs } = options
  // In a folder nothing runs that could answer, and whatever does on this machine is another system's.
  const probes = system.startsUnits ? policy.probes : []
  const unasked = policy.probes.length - probes.length
  if (unasked > 0) log.info({ probes: unasked }, 'nothing is started: no probe is asked')
  const looksAtUnits = watch !== undefined && system.startsUnits && policy.units !== 'ignore'
  const [units, answers] = await Promise.all([
    looksAtUnits ? settledProblems(watch, Math.max(pollMs, policy.settleSeconds * 1000), signal) : [],
    Promise.all(probes.map(probe => answerOf(probe, system, signal))),
  ])
  const failed = probes.flatMap((probe, at) =>
    answers[at] === undefined ? [] : [{ name: probeName(probe), reason: answers[at] }],
  )
  const findings = [
    ...failed.map(({ name, reason }) => `probe ${name}: ${reason}`),
    ...units.map(({ unit, reason }) => `unit ${unit}: ${reason}; it was well before the update`),
  ]
  for (const finding of findings) log.warn({ finding }, 'not healthy')
  return { findings, health: { state: stateOf(failed.length, units.length), ...names(units, failed) } }
}

function stateOf(probes: number, units: number): Health['state'] {
  if (probes > 0) return 'failed'
  return units > 0 ? 'degraded' : 'healthy'
}

function names(units: readonly UnitProblem[], probes: readonly { name: string }[]): Pick<Health, 'units' | 'probes'> {
  const few = (list: string[]) => list.slice(0, limits.reportedNames).map(name => name.slice(0, 100))
  return {
    ...(units.length > 0 && { units: few(units.map(({ unit }) => unit)) }),
    ...(probes.length > 0 && { probes: few(probes.map(({ name }) => name)) }),
  }
}

/** Always waits for the whole time: a service may die a little later. Two looks, since refusals count from the first. */
async function settledProblems(watch: UnitWatch, settleMs: number, signal: AbortSignal): Promise<UnitProblem[]> {
  await watch.problems()
  await sleep(settleMs, undefined, { signal })
  return await watch.problems()
}

/** Asks until the answer was good often enough in a row; the last reason when that takes too long. */
async function answerOf(
  probe: Probe,
  system: HealthComponents['system'],
  signal: AbortSignal,
): Promise<string | undefined> {
  const { timeoutSeconds, intervalSeconds, successes, withinSeconds } = timingOf(probe)
  const end = performance.now() + withinSeconds * 1000
  for (let good = 0; ; ) {
    const reason = await askProbe(probe, system, timeoutSeconds * 1000, signal)
    good = reason === undefined ? good + 1 : 0
    if (good >= successes) return undefined
    if (performance.now() + intervalSeconds * 1000 > end) {
      return reason ?? `was well ${good} times in a row, not ${successes}, within ${withinSeconds} s`
    }
    await sleep(intervalSeconds * 1000, undefined, { signal })
  }
}
