/** Units that read a secret start again when it has changed: their files say which it is, and nothing else shows it. */

import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { runProgram } from '../activation/program.ts'
import { outputLines } from '../defaults.ts'
import { secretsLink } from './lay.ts'

const restartTimeoutMs = 120_000

/** Units of the system whose files name one of these secrets. */
export async function unitsReading(names: readonly string[], root = '/'): Promise<string[]> {
  const folder = join(root, 'etc/systemd/system')
  const files = (await readdir(folder).catch(() => [])).filter(name => /\.(?:service|socket|mount)$/.test(name))
  const reading = await Promise.all(
    files.map(async file => {
      const text = await readFile(join(folder, file), 'utf8').catch(() => '')
      return names.some(name => mentions(text, `/${secretsLink}/${name}`)) ? [file] : []
    }),
  )
  return reading.flat()
}

function mentions(text: string, path: string): boolean {
  for (let at = text.indexOf(path); at >= 0; at = text.indexOf(path, at + 1)) {
    // db isn't db.1a2b3c4d.
    if (!/[A-Za-z0-9._-]/.test(text[at + path.length] ?? '')) return true
  }
  return false
}

/** Restarts those that run. Resolves to the units; what systemd says of one that fails is its own journal's. */
export async function restartReaders(names: readonly string[]): Promise<string[]> {
  const units = names.length === 0 ? [] : await unitsReading(names)
  if (units.length === 0) return []
  const args = ['try-restart', '--', ...units]
  await runProgram('systemctl', args, { timeoutMs: restartTimeoutMs, lines: outputLines }).catch(() => undefined)
  return units
}
