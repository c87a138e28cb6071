/** The journal's first entry of an update: how the machine is before it, and whether it may begin. */

import { policyOf, type UpdatePolicy } from '../../protocol/release/update-policy.ts'
import type { ReachableMembers } from '../mesh/peers/reachable-members.ts'
import type { NixStore } from '../store/local/nix-store.ts'
import { bootReason } from './boot-reason.ts'
import { type FailureCode, type JournalEntry, maxBaselineUnits } from './journal-entry.ts'
import { preflight } from './preflight.ts'
import type { ActivationSystem } from './system.ts'
import { unitProblem } from './unit-health.ts'
import type { WantedSystem } from './wanted-system.ts'

export interface FirstEntryFacts {
  system: ActivationSystem
  store: Pick<NixStore, 'realPath'>
  /** The update before this one. */
  last: JournalEntry | undefined
  /** Members that answer now. */
  answering: ReachableMembers
  root: string | undefined
}

/** The entry is `armed`, or `staging` when it is to be booted, or `failed` when the update is refused. */
export async function firstEntry(wanted: WantedSystem, facts: FirstEntryFacts): Promise<JournalEntry> {
  const { system, store, last, answering, root } = facts
  const policy = policyOf(wanted.policy)
  const sameRelease = last?.release === wanted.release && last.site === wanted.site
  const again = last?.state === 'interrupted' && sameRelease && last.new === wanted.topLevel
  const attempt = again ? last.attempt + 1 : 1
  const old = await system.running()
  const { reason: byBoot, refused: noBoot } = await bootReason(wanted, system)
  const entry: JournalEntry = {
    v: 1,
    state: byBoot === undefined ? 'armed' : 'staging',
    id: `${wanted.site === undefined ? '' : `${wanted.site}-`}${wanted.release}-${attempt}`,
    release: wanted.release,
    ...(wanted.site !== undefined && { site: wanted.site }),
    config: wanted.config,
    target: wanted.target,
    new: wanted.topLevel,
    ...(old !== undefined && { old }),
    boot: await system.bootId(),
    attempt,
    deadline: (await system.uptime()) + policy.confirm.deadlineSeconds,
    // Those that stay, if there are any: the laptop that deployed may be gone when it is asked again.
    contacts: answering.steady || answering.all,
    baseline: await baseline(system, old, policy),
    ...(wanted.policy && { policy: wanted.policy }),
    ...(byBoot !== undefined && { byBoot }),
  }
  const refused = (code: FailureCode, message: string): JournalEntry => ({ ...entry, state: 'failed', code, message })
  const attempts = byBoot === undefined ? policy.attempts : policy.bootAttempts
  if (attempt > attempts) {
    const reason = last?.message ?? 'the machine or the daemon stopped'
    const what = byBoot === undefined ? 'switches to it' : 'boots of it'
    const message = `${attempts} ${what} ended without a verdict: ${reason}`.slice(0, 1000)
    return refused(byBoot === undefined ? 'too-many-attempts' : 'boot-failed', message)
  }
  if (noBoot !== undefined) return refused('needs-reboot', noBoot)
  const problem = await preflight(wanted, { realPath: store.realPath(wanted.topLevel), root, last })
  return problem === undefined ? entry : refused(problem.code, problem.message)
}

/** Units that are not well before the switch. A crash loop counts with a wider window than after it. */
async function baseline(system: ActivationSystem, old: string | undefined, policy: UpdatePolicy): Promise<string[]> {
  const units = await system.units(old)
  return units
    .filter(unit => unitProblem(unit, policy.health.settleSeconds) !== undefined)
    .map(({ name }) => name)
    .slice(0, maxBaselineUnits)
}
