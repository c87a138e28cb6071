/** The root file system that all machines of the lab boot from: made once, then only read. */

import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { LabError } from './errors.ts'
import { machineMirror } from './mirror.ts'
import { run } from './run.ts'

const SUITE = 'bookworm'
// libdbi-perl provides what nix-bin's Perl needs; debootstrap doesn't look for providers by itself.
const PACKAGES = ['systemd', 'systemd-sysv', 'dbus', 'iproute2', 'nix-bin', 'libdbi-perl', 'ca-certificates', 'procps']

/** A minute on a good line; a slow mirror may take several. Also the wait for another process that makes it. */
const MAKE_TIMEOUT_MS = 15 * 60_000

const repository = join(import.meta.dirname, '../..')

/** Where the lab keeps what outlives a test run; in `.gitignore`. */
export const labCache = join(repository, '.cache/lab')

/** The directory of the base root; the first call makes it, some 400 MB in about a minute. */
export async function labBase(): Promise<string> {
  const packages = PACKAGES.join(',')
  const key = createHash('sha256').update(`${SUITE} ${packages}`).digest('hex').slice(0, 12)
  const base = join(labCache, `${SUITE}-${key}`)
  if (existsSync(base)) return base
  const script = join(repository, 'scripts/lab-base')
  const { code, stderr, stdout } = await run([script, base, SUITE, machineMirror(SUITE), packages], {
    timeoutMs: MAKE_TIMEOUT_MS,
    env: process.env,
  })
  if (code !== 0) {
    const tail = `${stdout}\n${stderr}`.trim().split('\n').slice(-20).join('\n')
    throw new LabError('base-failed', `expected scripts/lab-base to make ${base}, it ended with ${code}:\n${tail}`, {
      hint: 'Read what debootstrap said; THYMESH_LAB_MIRROR chooses another Debian mirror.',
    })
  }
  return base
}
