/** Where a release's rollout policy comes from: `rollout.json` of the project, or a file that the command names. */

import { readFile } from 'node:fs/promises'
import { describeIssues } from '../../protocol/encoding/cbor.ts'
import { HintedError, messageOf } from '../../protocol/errors.ts'
import type { Release } from '../../protocol/release/release.ts'
import { type RolloutPolicy, rolloutPolicySchema } from '../../protocol/release/rollout-policy.ts'
import { wavesOf } from '../../protocol/release/waves.ts'

export class RolloutPolicyError extends HintedError<'unreadable' | 'invalid'> {}

/** The policy as data; `source` is what an error names. Nothing for a project that says nothing. */
export function parseRolloutPolicy(value: unknown, source: string): RolloutPolicy | undefined {
  if (value === undefined || value === null) return undefined
  const parsed = rolloutPolicySchema.safeParse(value)
  if (parsed.success) return parsed.data
  throw new RolloutPolicyError('invalid', `${source}: ${describeIssues(parsed.error)}`, {
    hint: 'docs/rollouts.md shows what a policy can say.',
  })
}

export async function readRolloutPolicy(file: string): Promise<RolloutPolicy | undefined> {
  let value: unknown
  try {
    value = JSON.parse(await readFile(file, 'utf8'))
  } catch (thrown) {
    throw new RolloutPolicyError('unreadable', `expected a rollout policy in ${file}, got none: ${messageOf(thrown)}`, {
      hint: 'Write a JSON file such as {"waves": [{"tag": "canary"}]}.',
    })
  }
  return parseRolloutPolicy(value, file)
}

/** Waves that choose nobody: most likely a tag that was mistyped. In words, for the operator. */
export function emptyWaves(release: Pick<Release, 'fleet' | 'version' | 'devices' | 'rollout'>): string[] {
  if (release.rollout === undefined) return []
  const waves = wavesOf({ ...release, v: 1, created: '', message: '', configs: {} })
  return waves
    .filter(({ devices }) => devices.length === 0)
    .map(({ number, title }) => `wave ${number} (${title}) has no devices: it is skipped`)
}
