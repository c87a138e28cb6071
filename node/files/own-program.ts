/** Writes programs that run what this process is: units of configs can't know where Thymesh lies on a portable device. */

import { mkdir } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { replaceFile } from './durable-file.ts'

/** A shell script that runs this program with these words, then with its own arguments. Its folder is for root only. */
export async function writeOwnProgram(file: string, purpose: string, words: readonly string[]): Promise<void> {
  const all = [process.execPath, ...process.execArgv, resolve(process.argv[1] ?? ''), ...words]
  const quoted = all.map(word => `'${word.replaceAll("'", "'\\''")}'`).join(' ')
  await mkdir(dirname(file), { recursive: true, mode: 0o700 })
  await replaceFile(file, `#!/bin/sh\n# ${purpose}; written by the daemon.\nexec ${quoted} "$@"\n`, { mode: 0o700 })
}
