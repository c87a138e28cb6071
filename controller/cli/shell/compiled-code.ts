/** Keeps the compiled code of commands on this machine: a command loads 800 kB of it, a third of its time. */

import { mkdirSync, statSync } from 'node:fs'
import { enableCompileCache } from 'node:module'
import { dirname, join } from 'node:path'

/**
 * Makes Node keep compiled code below the folder, which it makes. Node's own choice would be a folder of all users. What is
 * there gets executed, so both the folder and the one that it is in must be this user's, and nobody else may write to them.
 * Where that can't be had, as for root in a user's home, nothing is kept. Gives whether it is.
 */
export function keepCompiledCode(cache: string): boolean {
  const folder = join(cache, 'compiled')
  try {
    if (!isUsers(cache)) return false
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    if (![folder, cache, dirname(cache)].every(isOurs)) return false
    return enableCompileCache(folder).directory !== undefined
  } catch {
    // A command works without it, only slower.
    return false
  }
}

/** Whether it may be made: the nearest folder above that is there is this user's. */
function isUsers(folder: string): boolean {
  const uid = statSync(folder, { throwIfNoEntry: false })?.uid
  return uid === undefined ? isUsers(dirname(folder)) : uid === process.geteuid?.()
}

function isOurs(folder: string): boolean {
  const { uid, mode } = statSync(folder)
  return uid === process.geteuid?.() && (mode & 0o022) === 0
}
