/** Swap of this machine that reaches a disk unencrypted, as Linux tells of it in /proc and /sys. */

import { readdir, readFile, stat } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { unlessMissing } from '../../node/files/missing.ts'

/** Devices and files with unencrypted swap. `root` is `/` but in tests. */
export async function plainSwap(root: string): Promise<string[]> {
  const table = (await unlessMissing(readFile(join(root, 'proc/swaps'), 'utf8'))) ?? ''
  const places = table
    .split('\n')
    .slice(1)
    .flatMap(line => (/^(\S+)\s+(partition|file)\s/.exec(line)?.slice(1, 3) as [string, string] | undefined) ?? [])
  const plain: string[] = []
  for (let at = 0; at < places.length; at += 2) {
    const path = unescaped(places[at] ?? '')
    const device = places[at + 1] === 'file' ? await deviceOfFile(root, path) : basename(path)
    if (!(await neverPlain(root, device))) plain.push(path)
  }
  return plain
}

/** /proc/swaps writes blanks as octal numbers. */
function unescaped(path: string): string {
  return path.replace(/\\(\d{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)))
}

/** The block device of the file system that a file lies in, as `major:minor`. */
async function deviceOfFile(root: string, path: string): Promise<string | undefined> {
  const found = await unlessMissing(stat(join(root, path)))
  // As gnu_dev_major(3) and gnu_dev_minor(3) take a small number apart.
  return found && `${(found.dev >> 8) & 0xfff}:${(found.dev & 0xff) | ((found.dev >> 12) & 0xfff00)}`
}

/** Whether nothing that is written to a device reaches a disk as it is: it is in memory, or encrypted below. */
async function neverPlain(root: string, device: string | undefined): Promise<boolean> {
  if (device === undefined) return false
  const folder = join(root, device.includes(':') ? 'sys/dev/block' : 'sys/class/block', device)
  const read = async (name: string) => (await unlessMissing(readFile(join(folder, name), 'utf8')))?.trim()
  // zram compresses into memory, but where it was given a disk to write back to.
  if (device.startsWith('zram')) return ((await read('backing_dev')) ?? 'none') === 'none'
  if ((await read('dm/uuid'))?.startsWith('CRYPT-')) return true
  const below = (await unlessMissing(readdir(join(folder, 'slaves')))) ?? []
  const encrypted = await Promise.all(below.map(each => neverPlain(root, each)))
  return encrypted.length > 0 && encrypted.every(Boolean)
}
