/** The limits of the release document, checked where a person wrote what exceeds them: by the schema that signs it. */

import { FormatError } from '../../protocol/encoding/cbor.ts'
import { cidOf } from '../../protocol/encoding/cid.ts'
import { messageOf } from '../../protocol/errors.ts'
import { limits } from '../../protocol/limits.ts'
import { type Release, releaseCodec, releaseSchema } from '../../protocol/release/release.ts'
import { splitRelease } from '../../protocol/release/split-release.ts'
import type { DeclaredFleet } from './declared-fleet.ts'
import type { ProjectFiles } from './files.ts'
import type { Problem } from './problem.ts'
import { isSchedule, isTimeZone } from './schemas.ts'

/** Placeholders for fields that only a build, a deploy or the fleet fills in. */
const cid = cidOf(new Uint8Array(1))
const topLevel = `/nix/store/${'0'.repeat(32)}-system`
const filled = { v: 1, fleet: '0'.repeat(64), version: 1, created: '2026-01-01T00:00:00Z', message: '' } as const

/** Everything in a declared fleet that `deploy` would refuse to sign, or a device could not follow. */
export function releaseProblems(fleet: DeclaredFleet, files: ProjectFiles): Problem[] {
  const release = draftOf(fleet)
  const parsed = releaseSchema.safeParse(release)
  const issues = parsed.success ? [] : parsed.error.issues
  const problems = issues.map(({ path, message }) => problemAt(path, message, fleet, files))
  problems.push(...scheduleProblems(fleet, files))
  const count = Object.keys(fleet.devices).length
  if (count > limits.members) problems.push(ofAll(`expected at most ${limits.members} devices, got ${count}`))
  else if (parsed.success) {
    try {
      requireSignable(release)
    } catch (thrown) {
      problems.push(ofAll(`the release would be too large: ${messageOf(thrown)}`))
    }
  }
  return problems
}

/** What doesn't fit into one document becomes a sharded release. Throws a FormatError or ShardError. */
function requireSignable(release: Release): void {
  try {
    releaseCodec.encode(release)
  } catch (thrown) {
    if (!(thrown instanceof FormatError) || thrown.code !== 'too-large') throw thrown
    splitRelease(release)
  }
}

/** The release that a declared fleet would make, as large as it can become: what a build and a deploy fill in has a placeholder. */
export function draftOf({ configs, devices }: Pick<DeclaredFleet, 'configs' | 'devices'>): Release {
  const drafted = Object.entries(configs).map(([name, { system, target, policy: said, secrets }]) => {
    const { reboot: _, ...policy } = said ?? {}
    const laid = secrets.map(({ path, owner, group, mode }) => {
      const file = path.slice(path.lastIndexOf('/') + 1)
      return [file, { document: cid, size: limits.secret, source: new Uint8Array(32), owner, group, mode }] as const
    })
    const about = { system, target, topLevel, closure: cid, paths: limits.closurePaths, narSize: limits.narSize }
    return [
      name,
      { ...about, ...(said && { policy }), ...(laid.length > 0 && { secrets: Object.fromEntries(laid) }) },
    ] as const
  })
  const named = Object.entries(devices).map(([name, { config, site, tags }]) => {
    return [name, { config, ...(site && { site }), ...(tags.length > 0 && { tags }) }] as const
  })
  return { ...filled, configs: Object.fromEntries(drafted), devices: Object.fromEntries(named) } as Release
}

/** Times that have the form of a cron expression or a zone, and are none. */
function scheduleProblems(fleet: DeclaredFleet, files: ProjectFiles): Problem[] {
  return Object.entries(fleet.configs).flatMap(([name, { policy }]) => {
    const times = [
      ...(policy?.windows ?? []).map((window, at) => ({ ...window, path: ['windows', at] as PropertyKey[] })),
      ...(policy?.reboot?.windows ?? []).map((window, at) => ({
        ...window,
        path: ['reboot', 'windows', at] as PropertyKey[],
      })),
      ...(policy?.gc ? [{ ...policy.gc, path: ['gc'] as PropertyKey[] }] : []),
    ]
    return times.flatMap(({ cron, timeZone = 'UTC', path }) => {
      const at = (key: string, words: string) =>
        problemAt(['configs', name, 'policy', ...path, key], words, fleet, files)
      return [
        ...(isSchedule(cron) ? [] : [at('cron', `expected a time that comes, such as "30 3 * * 1-5", got "${cron}"`)]),
        ...(isTimeZone(timeZone)
          ? []
          : [at('timeZone', `expected a time zone such as Europe/Berlin, got "${timeZone}"`)]),
      ]
    })
  })
}

/** The settings of the module `updates` that a policy is made of. */
const settingOf: Readonly<Record<string, string>> = { gc: 'collectAt', 'reboot.windows': 'rebootWindows' }

function problemAt(path: readonly PropertyKey[], message: string, fleet: DeclaredFleet, files: ProjectFiles): Problem {
  const [kind, name = '', ...rest] = path.map(part => (typeof part === 'symbol' ? '' : part))
  if (kind === 'devices') {
    const device = files.devices.get(String(name))
    if (device !== undefined) return device.json.problem(rest, message)
  }
  const config = fleet.configs[String(name)]
  const file = files.configs.get(config?.base ?? String(name))
  if (kind !== 'configs' || file === undefined) return ofAll(`${path.join('.')}: ${message}`)
  const isReboot = rest[1] === 'reboot'
  const [part, setting, ...below] = isReboot ? ['policy', rest.slice(1, 3).join('.'), ...rest.slice(3)] : rest
  if (part !== 'policy') return file.json.problem(['modules'], `${rest.join('.')}: ${message}`)
  const isZone = below.at(-1) === 'timeZone' || below[0] === 'timeZone'
  const key = isZone ? ['timeZone'] : [settingOf[String(setting)] ?? String(setting), ...below]
  return file.json.problem(['modules', 'updates', ...key], message)
}

function ofAll(message: string): Problem {
  return { file: 'flake.nix', at: undefined, key: '', message }
}
