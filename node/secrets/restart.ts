/** Units that read a secret start again when it has changed: their files say which it is, and nothing else shows it. */

import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { outputLines } from '../process/limits.ts'
import { runProgram } from '../process/run-program.ts'
import { secretsLink } from './install.ts'

const restartTimeoutMs = 120_000

/** Where NixOS has its units, and where the portable target links its own. */
const unitFolders = ['etc/systemd/system', 'run/systemd/system']
const unitKind = /\.(?:service|socket|mount)$/

/** Units of the system whose files, or drop-ins, name one of these secrets. Instances of a template are a pattern. */
export async function unitsReading(names: readonly string[], root = '/'): Promise<string[]> {
  const found = new Set<string>()
  for (const folder of unitFolders.map(each => join(root, each))) {
    for (const { unit, file } of await unitFiles(folder)) {
      const text = await readFile(file, 'utf8').catch(() => '')
      if (names.some(name => mentions(text, `/${secretsLink}/${name}`))) found.add(unit.replace('@.', '@*.'))
    }
  }
  return [...found].sort()
}

/** A unit has a file, and maybe a folder of drop-ins. */
async function unitFiles(folder: string): Promise<{ unit: string; file: string }[]> {
  const files: { unit: string; file: string }[] = []
  for (const name of await readdir(folder).catch(() => [])) {
    const unit = name.replace(/\.d$/, '')
    if (!unitKind.test(unit)) continue
    const file = join(folder, name)
    if (unit === name) files.push({ unit, file })
    else for (const part of await readdir(file).catch(() => [])) files.push({ unit, file: join(file, part) })
  }
  return files
}

function mentions(text: string, path: string): boolean {
  for (let at = text.indexOf(path); at >= 0; at = text.indexOf(path, at + 1)) {
    // db isn't db.1a2b3c4d.
    if (!/[A-Za-z0-9._-]/.test(text[at + path.length] ?? '')) return true
  }
  return false
}

/** Restarts those that run. Resolves to the units; the journal has systemd's reason for one that fails. */
export async function restartReaders(names: readonly string[]): Promise<string[]> {
  const units = names.length === 0 ? [] : await unitsReading(names)
  if (units.length === 0) return []
  const args = ['try-restart', '--', ...units]
  await runProgram('systemctl', args, { timeoutMs: restartTimeoutMs, lines: outputLines }).catch(() => undefined)
  return units
}
