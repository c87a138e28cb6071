/** A control group of its own for each machine, in every hierarchy that this one has (version 1, 2 or both). */

import { mkdirSync, readdirSync, readFileSync, rmdirSync } from 'node:fs'
import { join, relative } from 'node:path'

/**
 * Makes the group `name` below this process's own and returns its directories.
 *
 * Without it all machines would share one tree: two systemds would both manage `system.slice/x.service` in it, and
 * stopping the unit on one machine would kill it on the other.
 */
export function makeCgroups(name: string): string[] {
  const dirs = ownCgroups().map(dir => join(dir, name))
  for (const dir of dirs) mkdirSync(dir, { recursive: true })
  return dirs
}

/** The directories of this process's own groups, one for each hierarchy. */
export function ownCgroups(): string[] {
  const own = readFileSync('/proc/self/cgroup', 'utf8').trim().split('\n').map(parseMembership)
  return cgroupMounts().flatMap(({ mountPoint, root, controllers }) => {
    // A new cpuset group of version 1 takes no process before its processors are set, and systemd makes no use of it.
    if (controllers.includes('cpuset')) return []
    const path = own.find(entry => entry.controllers.every(controller => controllers.includes(controller)))?.path
    if (path === undefined) return []
    const below = relative(root, path)
    return [join(mountPoint, below.startsWith('..') ? '' : below)]
  })
}

/** Removes groups and all groups in them; their processes have to be gone, else it throws EBUSY. */
export function removeCgroups(dirs: readonly string[]): void {
  for (const dir of dirs) removeTree(dir)
}

function removeTree(dir: string): void {
  try {
    for (const entry of readdirSync(dir, { withFileTypes: true })) {
      if (entry.isDirectory()) removeTree(join(dir, entry.name))
    }
    rmdirSync(dir)
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code !== 'ENOENT') throw thrown
  }
}

interface CgroupMount {
  mountPoint: string
  root: string
  /** Names as in /proc/self/cgroup, `name=systemd` among them; `unified` for version 2. */
  controllers: string[]
}

/** The mounted hierarchies, from proc_pid_mountinfo(5). */
function cgroupMounts(): CgroupMount[] {
  const lines = readFileSync('/proc/self/mountinfo', 'utf8').trim().split('\n')
  return lines.flatMap(line => {
    const [mount, source] = line.split(' - ')
    const [, , , root, mountPoint] = (mount ?? '').split(' ')
    const [type, , options] = (source ?? '').split(' ')
    if (root === undefined || mountPoint === undefined) return []
    if (type === 'cgroup2') return [{ mountPoint, root, controllers: ['unified'] }]
    return type === 'cgroup' ? [{ mountPoint, root, controllers: (options ?? '').split(',') }] : []
  })
}

/** One line of cgroups(7)' /proc/PID/cgroup: `id:controllers:path`; version 2 is `0::path`. */
function parseMembership(line: string): { controllers: string[]; path: string } {
  const [, names = '', ...path] = line.split(':')
  return { controllers: names === '' ? ['unified'] : names.split(','), path: path.join(':') }
}
