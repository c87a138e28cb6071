/** The health after a switch: the policy's probes, and units that failed and had not before. */

import { setTimeout as sleep } from 'node:timers/promises'
import { limits } from '../../protocol/limits.ts'
import { type Probe, probeName, timingOf, type UpdatePolicy } from '../../protocol/release/update-policy.ts'
import type { Health } from '../../protocol/report/report.ts'
import type { Logger } from '../process/log.ts'
import { wellInARow } from './limits.ts'
import { askProbe } from './probe.ts'
import type { ActivationSystem } from './system.ts'

export interface HealthComponents {
  system: Pick<ActivationSystem, 'startsUnits' | 'failedUnits' | 'unitIsActive'>
  log: Logger
}

/** A verdict, and what was found in words, for the log of a failure. */
export interface Verdict {
  readonly health: Health
  readonly findings: string[]
}

/** Asks everything side by side; resolves when each question has its answer. Rejects when the signal aborts. */
export async function checkHealth(
  { system, log }: HealthComponents,
  policy: UpdatePolicy['health'],
  baseline: readonly string[],
  options: { signal: AbortSignal; pollMs: number },
): Promise<Verdict> {
  const { signal, pollMs } = options
  // In a folder nothing runs that could answer, and what does on this machine is somebody else's.
  const probes = system.startsUnits ? policy.probes : []
  const unasked = policy.probes.length - probes.length
  if (unasked > 0) log.info({ probes: unasked }, 'nothing is started: no probe is asked')
  const [units, answers] = await Promise.all([
    policy.units === 'ignore' ? [] : newFailures(system, baseline, policy.settleSeconds * 1000, pollMs, signal),
    Promise.all(probes.map(probe => answerOf(probe, system, signal))),
  ])
  const failed = probes.flatMap((probe, at) =>
    answers[at] === undefined ? [] : [{ name: probeName(probe), reason: answers[at] }],
  )
  const findings = [
    ...failed.map(({ name, reason }) => `probe ${name}: ${reason}`),
    ...units.map(unit => `unit ${unit}: failed, and had not before the update`),
  ]
  for (const finding of findings) log.warn({ finding }, 'not healthy')
  return { findings, health: { state: stateOf(failed.length, units.length), ...names({ units, probes: failed }) } }
}

/** Units that fail now and had not before. */
export async function newlyFailed(
  system: Pick<ActivationSystem, 'failedUnits'>,
  baseline: readonly string[],
): Promise<string[]> {
  return (await system.failedUnits()).filter(unit => !baseline.includes(unit)).sort()
}

function stateOf(probes: number, units: number): Health['state'] {
  if (probes > 0) return 'failed'
  return units > 0 ? 'degraded' : 'healthy'
}

function names({ units, probes }: { units: string[]; probes: { name: string }[] }): Pick<Health, 'units' | 'probes'> {
  const few = (list: string[]) => list.slice(0, limits.reportedNames).map(name => name.slice(0, 100))
  return {
    ...(units.length > 0 && { units: few(units) }),
    ...(probes.length > 0 && { probes: few(probes.map(({ name }) => name)) }),
  }
}

/** Looks until there are none several times in a row, or the time to settle is over; gives the last ones seen. */
async function newFailures(
  system: Pick<ActivationSystem, 'failedUnits'>,
  baseline: readonly string[],
  settleMs: number,
  pollMs: number,
  signal: AbortSignal,
): Promise<string[]> {
  const end = performance.now() + settleMs
  for (let well = 0; ; ) {
    const failed = await newlyFailed(system, baseline)
    well = failed.length === 0 ? well + 1 : 0
    if (well >= wellInARow) return []
    // What was well at the last look has the benefit of one more.
    if (failed.length > 0 && performance.now() >= end) return failed
    await sleep(pollMs, undefined, { signal })
  }
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
