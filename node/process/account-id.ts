/** Numbers of this machine's users and groups. */

import { readFile } from 'node:fs/promises'

/** The number of a user or group: root's when none is given, nothing when there is none of this name. */
export async function accountId(database: 'passwd' | 'group', name: string | undefined): Promise<number | undefined> {
  if (name === undefined || name === 'root') return 0
  const text = await readFile(`/etc/${database}`, 'utf8').catch(() => '')
  const line = text.split('\n').find(each => each.startsWith(`${name}:`))
  const id = line?.split(':')[2]
  if (id !== undefined) return Number(id)
  const { runProgram } = await import('./run-program.ts')
  const found = await runProgram('getent', [database, name], { timeoutMs: 10_000, lines: 1 }).catch(() => undefined)
  const number = found?.code === 0 ? found.stdout.split(':')[2] : undefined
  return number === undefined ? undefined : Number(number)
}
