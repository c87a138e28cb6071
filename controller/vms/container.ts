/** Fills the folder of a virtual machine that boots in a container: a disk with a root, and its own key on it, which has joined. */

import { open, statfs } from 'node:fs/promises'
import { join } from 'node:path'
import { runProgram } from '../../node/process/run-program.ts'
import { timeText } from '../../protocol/encoding/fields.ts'
import type { Talk } from '../tasks/talk.ts'
import { commandMs, freeMegabytes } from './limits.ts'
import { freeAddress } from './network.ts'
import type { ContainerRecord, VmRecords } from './records.ts'
import { full, runPrepare } from './run-prepare.ts'
import type { VmMembership, VmWish } from './wish.ts'

export async function fillContainer(
  records: VmRecords,
  draft: string,
  { name, config, site, memoryMegabytes, diskMegabytes, base }: VmWish,
  membership: VmMembership,
  talk: Talk,
): Promise<ContainerRecord> {
  const taken = (await records.all()).flatMap(other => (other.kind === 'container' ? other.address : []))
  const address = freeAddress(records.directory, name, taken)
  talk.step('Making its disk')
  await makeDisk(join(draft, 'disk.img'), diskMegabytes, talk.signal)
  const { token, bootstrap } = await membership.token()
  talk.step('Joining the fleet')
  const peer = await runPrepare(draft, { name, base, join: { site, bootstrap } }, { token, signal: talk.signal })
  const about = { name, config, memoryMegabytes, diskMegabytes, created: timeText(new Date()) }
  return { v: 1, kind: 'container', ...about, base, address, peer: peer ?? '' }
}

/** A file of this size with an empty ext4 file system, which takes no more of the disk than is written to it. */
async function makeDisk(file: string, megabytes: number, signal: AbortSignal): Promise<void> {
  const { bavail, bsize } = await statfs(join(file, '..'))
  const free = Math.floor((bavail * bsize) / (1 << 20))
  if (free < freeMegabytes) throw full(`expected ${freeMegabytes} MiB free, found ${free}`)
  const handle = await open(file, 'wx', 0o600)
  await handle.truncate(megabytes * (1 << 20)).finally(() => handle.close())
  const settings = { timeoutMs: commandMs, lines: 5, signal }
  const { code, errors } = await runProgram('mkfs.ext4', ['-q', '-F', '-m', '0', file], settings)
  if (code !== 0) throw full(errors.join('\n'))
}
