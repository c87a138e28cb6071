/**
 * When devices may reboot for an update. It is an extension of the release, by config, because devices of the version before
 * refuse a policy with keys that they don't know.
 */

import { z } from 'zod'
import type { Extensions } from '../encoding/extensions.ts'
import { nameSchema, type Target } from '../encoding/fields.ts'
import { limits } from '../limits.ts'
import { windowSchema } from './update-policy.ts'

/** The release's extension that holds the policies, by name of the config. */
export const rebootExtension = 'reboot'

export const rebootPolicySchema = z.strictObject({
  /**
   * `never`: updates are only switched to. `when-needed`: an update that takes effect only at a boot is booted once, checked,
   * and then made the boot default. `always`: every update is.
   */
  when: z.enum(['never', 'when-needed', 'always']).optional(),
  /** When the device may reboot; without any, whenever an update may begin. */
  windows: z.array(windowSchema).max(limits.windows).optional(),
})
export type RebootPolicy = z.infer<typeof rebootPolicySchema>

/** When to reboot. On NixOS the release brings the kernel; on the portable target the distribution does. */
export function rebootWhen(policy: RebootPolicy | undefined, target: Target): NonNullable<RebootPolicy['when']> {
  return policy?.when ?? (target === 'nixos' ? 'when-needed' : 'never')
}

const policiesSchema = z.record(nameSchema, rebootPolicySchema)

/** The reboot policies by config. What this version can't read counts as none: the defaults are safe. */
function rebootPolicies(extensions: Extensions | undefined): Readonly<Record<string, RebootPolicy>> {
  const parsed = policiesSchema.safeParse(extensions?.[rebootExtension] ?? {})
  return parsed.success ? parsed.data : {}
}

/** The reboot policy of a config. */
export function rebootPolicyOf(extensions: Extensions | undefined, config: string): RebootPolicy | undefined {
  const policies = rebootPolicies(extensions)
  return Object.hasOwn(policies, config) ? policies[config] : undefined
}

/** Extensions with these policies; without the extension if there are none. */
export function withRebootPolicies(
  extensions: Extensions | undefined,
  policies: Readonly<Record<string, RebootPolicy | undefined>>,
): Extensions {
  const { [rebootExtension]: _, ...others } = extensions ?? {}
  const said = Object.entries(policies).filter(([, policy]) => policy !== undefined)
  if (said.length === 0) return others
  // As plain data: keys without a value can't be signed.
  return { ...others, [rebootExtension]: JSON.parse(JSON.stringify(Object.fromEntries(said))) }
}
