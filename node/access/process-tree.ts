/** Ends a session's processes with all that they have started, wherever these have gone. */

import { readdir, readFile, writeFile } from 'node:fs/promises'

/** A group that starts processes while it is ended is looked at again so often. */
const killTries = 20

/** The children of each process. */
async function children(): Promise<Map<number, number[]>> {
  const found = new Map<number, number[]>()
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name)) continue
    const stat = await readFile(`/proc/${name}/stat`, 'utf8').catch(() => '')
    // proc(5): the fourth field; the second one, the name in brackets, may have spaces.
    const parent = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1])
    if (Number.isInteger(parent)) found.set(parent, [...(found.get(parent) ?? []), Number(name)])
  }
  return found
}

/** Kills a process and its descendants; sessions that PAM has moved to another group are among these. */
export async function killTree(root: number): Promise<void> {
  const below = await children()
  const all = [root]
  for (const pid of all) all.push(...(below.get(pid) ?? []))
  // The parents first: they could start more.
  for (const pid of all) {
    try {
      process.kill(pid, 'SIGKILL')
    } catch {
      // It has ended by itself.
    }
  }
}

/** The main process of a group of processes (cgroup), and the group's end: also of those that have left their parents. */
export async function killGroup(group: string): Promise<void> {
  // Kernels from 5.14 on end all of it at once, where the daemon may write there.
  await writeFile(`${group}/cgroup.kill`, '1').catch(() => {})
  for (let tries = 0; tries < killTries; tries++) {
    const pids = (await readFile(`${group}/cgroup.procs`, 'utf8').catch(() => '')).split('\n').filter(Boolean)
    if (pids.length === 0) return
    for (const pid of pids) await killTree(Number(pid))
  }
}
