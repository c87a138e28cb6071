/** A fleet for rehearsals, and what they have left behind. */

import { existsSync, readdirSync, readFileSync } from 'node:fs'
import type { TestContext } from 'node:test'
import { ownCgroups } from '../../../controller/rehearsal/cgroups.ts'
import { Fleet } from './fleet.ts'

/** A rehearsal takes half a minute, on a machine that does nothing else. */
export const rehearsalMs = 900_000
/** Of others on this computer. */
const groupsBefore = new Set(trialGroups())

export async function rehearsingFleet(t: TestContext): Promise<Fleet> {
  const fleet = await Fleet.prepare()
  t.after(() => fleet.remove())
  await fleet.found()
  return fleet
}

/** Folders, control groups, processes and mounts of a fleet's rehearsals. */
export function remains(fleet: Fleet): string[] {
  const folders = readdirSync(fleet.directory).filter(name => name.startsWith('thymesh-temporary-'))
  const groups = trialGroups().filter(name => !groupsBefore.has(name))
  const processes = readdirSync('/proc').filter(pid => /^\d+$/.test(pid) && isOf(pid, fleet.directory))
  const mounts = readFileSync('/proc/self/mountinfo', 'utf8').split('\n')
  return [...folders, ...groups, ...processes, ...mounts.filter(line => line.includes(`${fleet.directory}/thymesh-`))]
}

function trialGroups(): string[] {
  return ownCgroups().flatMap(dir =>
    existsSync(dir) ? readdirSync(dir).filter(name => /^thymesh-try-/.test(name)) : [],
  )
}

/** Whether a process works for a rehearsal of this folder. */
function isOf(pid: string, directory: string): boolean {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(`${directory}/thymesh-temporary-`)
  } catch {
    return false
  }
}
