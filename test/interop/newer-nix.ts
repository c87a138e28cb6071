/** A newer Nix than this machine's: that of Debian's newest suite, unpacked beside it. */

import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { machineMirror } from '../lab/mirror.ts'

const run = promisify(execFile)
const suite = 'sid'
const cached = join(import.meta.dirname, '../../.cache/nix', suite)

/** Why there can be none: it needs Debian's tools and its mirror. In CI both are there. */
export async function missingNewerNix(): Promise<string | false> {
  if (process.env.CI === 'true') return false
  try {
    await run('dpkg-deb', ['--version'])
    machineMirror(suite)
    return false
  } catch {
    return "needs a Debian's apt and dpkg"
  }
}

/** The folder of its programs; fetched the first time. */
export async function newerNix(): Promise<string> {
  const script = join(import.meta.dirname, '../../scripts/newer-nix')
  await run(script, [cached, suite, machineMirror(suite)], { timeout: 180_000, maxBuffer: 1 << 24 })
  return join(cached, 'bin')
}
