/** Space and inodes of the file systems that a device writes to. */

import { readFile, statfs } from 'node:fs/promises'
import { join } from 'node:path'
import { diskTimeoutMs } from './limits.ts'
import { percent } from './proc.ts'

/** File systems on a medium of this machine; others are in memory, read-only by nature, or of a server that may hang. */
const onDisk = new Set(['ext2', 'ext3', 'ext4', 'xfs', 'btrfs', 'f2fs', 'bcachefs', 'zfs', 'vfat', 'exfat', 'overlay'])
const maxMounts = 32

/** Used space and inodes of the file system that has least left of each. */
export async function disks(root: string): Promise<{ disk?: number; inodes?: number }> {
  const mounts = await readFile(join(root, 'proc/self/mounts'), 'utf8').catch(() => '')
  const places = new Map<string, string>()
  for (const line of mounts.split('\n')) {
    const [device = '', place = '', type = '', options = ''] = line.split(' ')
    // What is mounted read-only, such as a store image, is full by design. Bind mounts show one device again.
    const writable = options.split(',').includes('rw') || place === '/'
    if (onDisk.has(type) && writable && !places.has(device) && places.size < maxMounts) places.set(device, place)
  }
  const late = AbortSignal.timeout(diskTimeoutMs)
  const ended = new Promise<undefined>(resolve => late.addEventListener('abort', () => resolve(undefined)))
  const found = await Promise.all(
    [...places.values()].map(async place => {
      const path = place.replace(/\\([0-7]{3})/g, (_, code: string) => String.fromCharCode(Number.parseInt(code, 8)))
      return await Promise.race([statfs(join(root, path)).catch(() => undefined), ended])
    }),
  )
  const known = found.filter(each => each !== undefined && each.blocks > 0)
  // As df has it: what is reserved for root is not free.
  const used = known.flatMap(each =>
    each ? percent(each.blocks - each.bfree, each.blocks - each.bfree + each.bavail) : [],
  )
  const inodes = known.flatMap(each => (each && each.files > 0 ? percent(each.files - each.ffree, each.files) : []))
  return {
    ...(used.length > 0 && { disk: Math.max(...used) }),
    ...(inodes.length > 0 && { inodes: Math.max(...inodes) }),
  }
}
