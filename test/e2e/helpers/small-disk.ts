/** A disk of a few megabytes for a device, so that it can be full. */

import assert from 'node:assert/strict'
import { open, statfs } from 'node:fs/promises'
import type { Fleet } from './fleet.ts'
import { runToEnd } from './processes.ts'

/** `false` where tests may mount, else why not; CI must not skip. */
export function mountSkip(): string | false {
  if (process.getuid?.() === 0) return false
  if (process.env.CI === 'true') throw new Error('expected CI to run as root: a test mounts a small disk')
  return 'mounting a small disk needs root'
}

/** Mounts an empty file system; it is unmounted when the fleet is removed. */
export async function mountTmpfs(fleet: Fleet, directory: string, megabytes: number): Promise<void> {
  const place = { cwd: '/', env: { PATH: process.env.PATH } }
  const options = ['-t', 'tmpfs', '-o', `size=${megabytes}m,mode=0755`, 'thymesh-e2e', directory]
  const mounted = await runToEnd('mount', options, place)
  assert.equal(mounted.code, 0, mounted.stderr)
  fleet.onRemove(() => runToEnd('umount', ['--lazy', directory], place))
}

/** Writes a file until so many megabytes are left on its file system. */
export async function fillDisk(root: string, file: string, leaveMegabytes: number): Promise<void> {
  const block = Buffer.alloc(1 << 20)
  const handle = await open(file, 'w')
  try {
    while ((await freeBytes(root)) > leaveMegabytes * block.length) await handle.write(block)
  } catch (thrown) {
    if (!(thrown instanceof Error && 'code' in thrown && thrown.code === 'ENOSPC')) throw thrown
  } finally {
    await handle.close()
  }
}

async function freeBytes(root: string): Promise<number> {
  const { bavail, bsize } = await statfs(root)
  return bavail * bsize
}
