/** Rehearsals that passed, in the operator's folder of the fleet; `deploy` may demand one for each config that it changes. */

import { lchown, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { replaceFile } from '../../node/files/durable-file.ts'
import { unlessMissing } from '../../node/files/missing.ts'
import { timeText } from '../../protocol/encoding/fields.ts'
import { HintedError } from '../../protocol/errors.ts'
import type { Release, ReleasedConfig } from '../../protocol/release/release.ts'
import { passedSchema, type Rehearsed } from '../api/schemas/rehearsal.ts'
import type { FleetHome } from '../fleet/fleet-home.ts'
import { list } from '../project/problem.ts'
import { nixSystems } from '../project/template.ts'

/** Far more than a fleet has configs: only the newest of each count for long. */
const maxPassed = 500

const fileSchema = z.array(passedSchema)
type Passed = z.infer<typeof passedSchema>

const fileOf = (home: Pick<FleetHome, 'directory'>) => join(home.directory, 'tries.json')

/** What can't be read counts as none: then it has to be tried again. */
async function passes(home: Pick<FleetHome, 'directory'>): Promise<Passed[]> {
  const text = await unlessMissing(readFile(fileOf(home), 'utf8'))
  try {
    return fileSchema.parse(JSON.parse(text ?? '[]'))
  } catch {
    return []
  }
}

export async function rememberPass(
  home: Pick<FleetHome, 'directory'>,
  { config, topLevel, from }: Pick<Rehearsed, 'config' | 'topLevel' | 'from'>,
  now: Date,
): Promise<void> {
  const passed: Passed = { config, topLevel, from: from?.topLevel ?? null, at: timeText(now) }
  const others = (await passes(home)).filter(each => !isSame(each, passed))
  const file = fileOf(home)
  await replaceFile(file, `${JSON.stringify([...others, passed].slice(-maxPassed), null, 2)}\n`)
  // A rehearsal needs root, and the folder is an operator's: who may put a link in its place must not get what that names.
  const { uid, gid } = await stat(home.directory)
  if (process.getuid?.() === 0) await lchown(file, uid, gid)
}

function isSame(a: Omit<Passed, 'at'>, b: Omit<Passed, 'at'>): boolean {
  return a.config === b.config && a.topLevel === b.topLevel && a.from === b.from
}

/** What a project demands: rehearsals of portable configs, or also of NixOS configs that machines of this computer's kind boot. */
export type Demand = true | 'all'

/**
 * Throws unless each config of which that is demanded, and that a release changes, has passed a rehearsal, from what its devices
 * run now. Gives the changed configs of which none is demanded.
 */
export async function requirePassed(
  home: Pick<FleetHome, 'directory'>,
  current: Pick<Release, 'configs'> | undefined,
  configs: Readonly<Record<string, Pick<ReleasedConfig, 'topLevel' | 'target' | 'system'>>>,
  demand: Demand,
): Promise<string[]> {
  const isDemanded = ({ target, system }: Pick<ReleasedConfig, 'target' | 'system'>) =>
    target === 'portable' || (demand === 'all' && system === nixSystems[process.arch])
  const known = await passes(home)
  const before = (name: string) =>
    current && Object.hasOwn(current.configs, name) ? (current.configs[name]?.topLevel ?? null) : null
  const changed = Object.entries(configs).filter(([name, { topLevel }]) => topLevel !== before(name))
  const missing = changed.filter(
    ([config, about]) =>
      isDemanded(about) &&
      !known.some(each => isSame(each, { config, topLevel: about.topLevel, from: before(config) })),
  )
  if (missing.length > 0) {
    const names = missing.map(([name]) => name)
    throw new HintedError(
      'not-tried',
      `thymesh.json demands a rehearsal before a release is signed ("tryBeforeSigning"), and none has passed of ${list(names)} as it is now`,
      { hint: `Run: ${names.map(name => `thymesh try ${name}`).join('; ')}. Then deploy again.` },
    )
  }
  return changed.flatMap(([name, about]) => (isDemanded(about) ? [] : [name]))
}
