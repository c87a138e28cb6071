/** How a trial follows a config's update policy, on a machine of its kind: at once, and with time for a slow machine. */

import { type Probe, policyOf, timingOf, type UpdatePolicyInput } from '../../protocol/release/update-policy.ts'

export interface Pace {
  /** How long new failures may take to mend themselves: also the time in which the power can go. */
  readonly settleSeconds: { readonly least: number; readonly most: number }
  /** The least time from a switch to its confirmation. */
  readonly deadlineSeconds: number
  /** How much slower than a device the machine may be. */
  readonly slower: number
  /** How long all of the trial may take, unless it is said. */
  readonly seconds: number
}

export const paces = {
  container: { settleSeconds: { least: 1, most: 3 }, deadlineSeconds: 10, slower: 1, seconds: 600 },
  kvm: { settleSeconds: { least: 10, most: 20 }, deadlineSeconds: 300, slower: 1, seconds: 1800 },
  // A boot takes a minute on a processor of its own, and many where others use it.
  emulated: { settleSeconds: { least: 45, most: 60 }, deadlineSeconds: 3600, slower: 10, seconds: 21_600 },
} as const satisfies Record<string, Pace>

/** What a release can say at most: protocol/release/update-policy.ts. */
const longest = { timeoutSeconds: 300, withinSeconds: 3600 }

/** The config's own policy, but that it begins at once: no maintenance window, no other members, no wait for slow units. */
export function paced(policy: UpdatePolicyInput | undefined, pace: Pace): UpdatePolicyInput {
  const { windows: _, ...rest } = policy ?? {}
  const { health, confirm } = policyOf(policy)
  const { least, most } = pace.settleSeconds
  const probes = policy?.health?.probes
  return {
    ...rest,
    gc: false,
    health: {
      ...policy?.health,
      settleSeconds: Math.max(least, Math.min(health.settleSeconds, most)),
      ...(probes && { probes: probes.map(probe => slowed(probe, pace.slower)) }),
    },
    confirm: {
      ...policy?.confirm,
      peers: Math.min(confirm.peers, 1),
      deadlineSeconds: Math.max(confirm.deadlineSeconds, pace.deadlineSeconds),
    },
  }
}

function slowed(probe: Probe, slower: number): Probe {
  if (slower === 1) return probe
  const { timeoutSeconds, withinSeconds } = timingOf(probe)
  return {
    ...probe,
    timeoutSeconds: Math.min(timeoutSeconds * slower, longest.timeoutSeconds),
    withinSeconds: Math.min(withinSeconds * slower, longest.withinSeconds),
  }
}
