/** The root file system that all machines of the lab boot from: made once, then only read. */

import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { LabError } from './errors.ts'
import { machineMirror } from './mirror.ts'
import { run } from './run.ts'

/** Another suite for a run by hand. */
const SUITE = process.env.THYMESH_LAB_SUITE ?? 'bookworm'
// libdbi-perl provides what nix-bin's Perl needs; debootstrap doesn't look for providers by itself.
const PACKAGES = [
  'systemd',
  'systemd-sysv',
  'dbus',
  'iproute2',
  'nix-bin',
  'libdbi-perl',
  'ca-certificates',
  'procps',
  'openssh-server',
]

/** A minute on a good line; a slow mirror may take several. Also the wait for another process that makes it. */
const MAKE_TIMEOUT_MS = 15 * 60_000

const repository = join(import.meta.dirname, '../..')

/** Where the lab keeps what outlives a test run; in `.gitignore`. */
export const labCache = join(repository, '.cache/lab')

/** The directory of the base root, with more packages if given; the first call makes it, some 400 MB in about a minute. */
export function labBase(more: readonly string[] = []): Promise<string> {
  return debianRoot(SUITE, [...PACKAGES, ...more])
}

/** The directory of a root of Debian with these packages; the first call makes it. */
export async function debianRoot(suite: string, names: readonly string[]): Promise<string> {
  const packages = names.join(',')
  const base = join(labCache, `${suite}-${keyOf(suite, packages)}`)
  await makeOnce('lab-base', base, [suite, machineMirror(suite), packages])
  return base
}

/** The name of something in the cache: another one whenever what it is made of is other. */
export function keyOf(...parts: readonly string[]): string {
  return createHash('sha256').update(parts.join(' ')).digest('hex').slice(0, 12)
}

/** Makes a directory of the cache by a script of `scripts/`, unless it is there. */
export async function makeOnce(name: string, base: string, args: readonly string[]): Promise<void> {
  if (existsSync(base)) return
  const script = join(repository, 'scripts', name)
  const { code, stderr, stdout } = await run([script, base, ...args], { timeoutMs: MAKE_TIMEOUT_MS, env: process.env })
  if (code !== 0) {
    const tail = `${stdout}\n${stderr}`.trim().split('\n').slice(-20).join('\n')
    throw new LabError('base-failed', `expected scripts/${name} to make ${base}, it ended with ${code}:\n${tail}`, {
      hint: 'Read what debootstrap said; THYMESH_LAB_MIRROR chooses another Debian mirror.',
    })
  }
}
