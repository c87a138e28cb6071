/** Asks systemd about units: all that are loaded, and those that a generation's targets want. */

import { readdir } from 'node:fs/promises'
import { basename, join } from 'node:path'
import type { UnitState } from './unit-health.ts'

/** Kinds of units that a generation can have; devices, scopes and slices come and go with the machine. */
const kinds = ['service', 'socket', 'target', 'timer', 'path', 'mount', 'automount', 'swap']

/** A unit, and the target that starts it. */
interface Want {
  readonly unit: string
  readonly target: string
}

const properties = [
  'Id',
  'Names',
  'LoadState',
  'ActiveState',
  'SubState',
  'NRestarts',
  'ExecMainStartTimestampMonotonic',
  'InactiveExitTimestampMonotonic',
  'ConditionResult',
  'ConditionTimestampMonotonic',
  'InvocationID',
]

/** The wants and requirements of a top level's targets; `topLevel` is the folder that it lies in. */
export async function wantsOf(topLevel: string): Promise<Want[]> {
  const wants: Want[] = []
  // Of the portable target, and of NixOS.
  for (const folder of [join(topLevel, 'units'), join(topLevel, 'etc/systemd/system')]) {
    for (const name of await readdir(folder).catch(() => [])) {
      const target = /^(.+\.target)\.(?:wants|requires)$/.exec(name)?.[1]
      if (target === undefined) continue
      for (const unit of await readdir(join(folder, name)).catch(() => [])) wants.push({ unit: basename(unit), target })
    }
  }
  return wants
}

/** Arguments of `systemctl` that ask about all of these. */
export function showArguments(wants: readonly Want[]): string[] {
  const names = new Set(wants.flatMap(({ unit, target }) => [unit, target]))
  return ['show', '-p', properties.join(','), '--', ...kinds.map(kind => `*.${kind}`), ...names]
}

/** The states by what `systemctl show` printed; `now` is the machine's monotonic clock in microseconds. */
export function parseUnits(text: string, wants: readonly Want[], now: number): UnitState[] {
  const blocks = text.split(/\n\n+/).map(
    block =>
      new Map(
        block.split('\n').map(line => {
          const at = line.indexOf('=')
          return [line.slice(0, at), line.slice(at + 1)] as const
        }),
      ),
  )
  const namesOf = (block: Map<string, string>) => (block.get('Names') ?? '').split(' ')
  const reached = new Set(blocks.filter(block => block.get('ActiveState') === 'active').flatMap(namesOf))
  const wanted = new Set(wants.flatMap(({ unit, target }) => (reached.has(target) ? [unit] : [])))
  const units = new Map<string, UnitState>()
  for (const block of blocks) {
    const name = block.get('Id')
    if (name === undefined || units.has(name)) continue
    const number = (key: string) => Number(block.get(key) ?? 0) || 0
    const mainStart = number('ExecMainStartTimestampMonotonic')
    units.set(name, {
      name,
      load: block.get('LoadState') ?? '',
      active: block.get('ActiveState') ?? '',
      sub: block.get('SubState') ?? '',
      restarts: number('NRestarts'),
      age: mainStart === 0 ? undefined : Math.max(0, now - mainStart) / 1e6,
      started: number('InactiveExitTimestampMonotonic') > 0,
      skipped: number('ConditionTimestampMonotonic') > 0 && block.get('ConditionResult') === 'no',
      wanted: namesOf(block).some(each => wanted.has(each)),
      invocation: block.get('InvocationID') ?? '',
    })
  }
  return [...units.values()]
}

/** Whether `systemctl list-jobs` shows jobs of a boot, beside those that wait for the daemon's word on it. */
export function hasBootJobs(text: string): boolean {
  const waiting = /^(?:thymesh-good-boot|systemd-bless-boot)\.service$|^boot-complete\.target$/
  return text
    .split('\n')
    .map(line => line.trim().split(/\s+/))
    .some(([, unit, kind]) => unit !== undefined && kind === 'start' && !waiting.test(unit))
}
