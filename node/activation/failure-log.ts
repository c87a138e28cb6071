/** The log of an update that failed: the switch's output, what was found unhealthy, and the journals of the units that it is about. */

import { messageOf } from '../../protocol/errors.ts'
import { policyOf } from '../../protocol/release/update-policy.ts'
import type { Logger } from '../process/log.ts'
import { type ActivationLogs, activationText } from './activation-log.ts'
import type { JournalEntry } from './journal-entry.ts'
import type { ActivationSystem } from './system.ts'
import type { UnitWatch } from './unit-health.ts'

const maxUnits = 10

type UnitJournal = readonly [unit: string, text: string]

/** The journals of units that are not well, and of those that probes ask about. */
export async function unitJournals(
  { health, policy }: JournalEntry,
  watch: UnitWatch,
  system: Pick<ActivationSystem, 'journalOf'>,
): Promise<UnitJournal[]> {
  const units = new Set([
    ...(health?.units ?? []),
    ...(await watch.problems()).map(({ unit }) => unit),
    ...policyOf(policy).health.probes.flatMap(probe => (probe.kind === 'unit' ? [probe.unit] : [])),
  ])
  return await Promise.all(
    [...units].slice(0, maxUnits).map(async unit => [unit, await system.journalOf(unit)] as const),
  )
}

/** The entry with the log of its failure, which is kept; a full disk must not prevent the rollback. */
export async function withFailureLog(
  entry: JournalEntry,
  about: { findings: string[]; journals: UnitJournal[] },
  components: { system: Pick<ActivationSystem, 'output'>; logs: Pick<ActivationLogs, 'keep'>; log: Logger },
): Promise<JournalEntry> {
  const { system, logs, log } = components
  try {
    const output = await system.output(entry)
    const { excerpt, ...kept } = await logs.keep(activationText(entry, { output, ...about }))
    return { ...entry, excerpt, log: kept }
  } catch (thrown) {
    log.warn({ reason: messageOf(thrown) }, "the update's log was not kept")
    return entry
  }
}
