/** `thymesh vm start|stop|list|remove`: the virtual machines of this computer, which are devices of the fleet. */

import { rename, rm } from 'node:fs/promises'
import type { z } from 'zod'
import { HintedError } from '../../../protocol/errors.ts'
import { whoRuns } from '../../api/client.ts'
import type { OrderResult } from '../../api/orders.ts'
import type { VmRow, vmRemovedSchema } from '../../api/schemas/vms.ts'
import { socketFile } from '../../api/socket.ts'
import { table } from '../../format/table.ts'
import { openProject } from '../../project/project.ts'
import type { Talk } from '../../tasks/talk.ts'
import { imageLink } from '../../vms/image-link.ts'
import { listVms } from '../../vms/list.ts'
import { whileLocked } from '../../vms/lock.ts'
import { requirePrograms } from '../../vms/needs.ts'
import { VmRecords } from '../../vms/records.ts'
import { startVm } from '../../vms/start.ts'
import { isOn, switchOff } from '../../vms/switch.ts'
import { type Access, withAccess } from '../shell/access.ts'
import { resultOf, workHere } from '../shell/attach.ts'
import { confirm } from '../shell/confirm.ts'
import { requireOwnersController } from '../shell/foreign-home.ts'
import { newsSeconds } from '../shell/limits.ts'
import type { ProjectOptions } from '../shell/options.ts'
import { exitCodes, note, print } from '../shell/output.ts'

export interface VmOptions extends ProjectOptions {
  name: string
}

export interface VmStopOptions extends VmOptions {
  now: boolean
}

export interface VmRemoveOptions extends VmOptions {
  yes: boolean
  commit: boolean
  /** False for `--no-retire`. */
  retire: boolean
}

export async function list(options: ProjectOptions): Promise<undefined> {
  const machines = await listVms(await recordsOf(options))
  const megabytes = (count: number | null) => (count === null ? '-' : `${count} MiB`)
  const cells = ({ name, config, kind, state, address, ...of }: VmRow) => [
    ...[name, config || '-', kind, state, address ?? '-', megabytes(of.memoryMegabytes)],
    `${megabytes(of.usedMegabytes)} of ${megabytes(of.diskMegabytes)}`,
  ]
  const heading = ['MACHINE', 'CONFIG', 'KIND', 'STATE', 'ADDRESS', 'MEMORY', 'DISK']
  print(options, { machines }, machines.length === 0 ? 'There are none.' : table(heading, machines.map(cells)))
  return undefined
}

export async function start(options: VmOptions): Promise<undefined> {
  const { name } = options
  const records = await recordsOf(options)
  const record = await records.read(name)
  if (record.kind === 'container') await requirePrograms()
  const work = async (talk: Talk) =>
    await whileLocked(records.lockFile(name), name, async () => ({
      started: await startVm(records, record, talk),
    }))
  const ended = await workHere('start-vm', { name }, work, options)
  if (ended === 'left') return undefined
  const started = resultOf(ended).started === true
  const address = record.kind === 'container' ? record.address : null
  print(
    options,
    { name, started, address },
    started ? `${name} is on${address ? `, at ${address}` : ''}.` : `${name} was on already.`,
  )
  return undefined
}

export async function stop(options: VmStopOptions): Promise<undefined> {
  const { name, now } = options
  const records = await recordsOf(options)
  const record = await records.read(name)
  if (record.kind === 'container') await requirePrograms()
  const work = async (talk: Talk) =>
    await whileLocked(records.lockFile(name), name, async () => {
      const stopped = isOn(await records.run(name))
      talk.step(now ? 'Switching it off' : 'Shutting it down')
      return { stopped, killed: await switchOff(records, record, now) }
    })
  const ended = await workHere('stop-vm', { name }, work, options)
  if (ended === 'left') return undefined
  const { stopped, killed } = resultOf(ended) as { stopped: boolean; killed: boolean }
  const how = killed && !now ? ' It did not end by itself, and was switched off.' : ''
  print(options, { name, stopped, killed }, stopped ? `${name} is off.${how}` : `${name} was off already.`)
  return undefined
}

/** First the fleet, which may refuse; then the machine. Given again, it does what is left. */
export async function remove(options: VmRemoveOptions): Promise<number> {
  const { name } = options
  const project = await openProject(options.project)
  const records = new VmRecords(project.fleet)
  const { whole, drafts } = await records.names()
  const isWhole = whole.includes(name)
  if (!isWhole && !drafts.includes(name)) await records.read(name)
  // What can't be read is removed, too.
  const kind =
    (await records.read(name).catch(() => undefined))?.kind ?? (process.getuid?.() === 0 ? 'container' : 'qemu')
  if (kind === 'container') await requirePrograms()
  const what = options.retire ? ', and retire it from the fleet' : '; the fleet keeps its membership'
  if (!(await confirm(options, `Delete ${name} with its disk${what}?`))) return exitCodes.failed
  // A machine at work is refused before the fleet forgets it.
  return await whileLocked(records.lockFile(name), name, async () => {
    const retired = options.retire ? await withAccess(options, access => retire(access, options)) : null
    if (retired === undefined) return exitCodes.done
    if (isWhole) {
      await switchOff(records, { name, kind }, true)
      // In parts it is no machine any more, also if this ends here.
      await rm(records.draft(name), { recursive: true, force: true })
      await rename(records.place(name), records.draft(name))
    }
    await rm(records.draft(name), { recursive: true, force: true })
    await rm(imageLink(project.fleet, name), { force: true })
    const removed: Removed = { name, removed: true, retired: retired?.revoked ?? null, written: retired?.written ?? [] }
    print(options, removed, textOf(removed))
    return exitCodes.done
  })
}

type Removed = z.infer<typeof vmRemovedSchema>
type Retired = Pick<OrderResult<'retire'>, 'revoked' | 'written'>

/** Undefined where the operator has left, and the task goes on; an unknown device was retired before. */
async function retire(access: Access, options: VmRemoveOptions): Promise<Retired | undefined> {
  const { name } = options
  const { directory, stateDirectory } = access.home
  await requireOwnersController(directory, () => whoRuns(socketFile(stateDirectory)))
  const about = { reason: 'its virtual machine was removed', message: `${name} is removed`, wait: newsSeconds }
  const commit = options.commit ? `Remove ${name}` : undefined
  try {
    return await access.order('retire', { device: name, ...about, commit })
  } catch (thrown) {
    if (!(thrown instanceof HintedError) || thrown.code !== 'unknown-device') throw thrown
    note(options, `The fleet knows no ${name}.`)
    return { revoked: [], written: [] }
  }
}

function textOf({ name, retired, written }: Removed): string {
  const gone = (retired ?? []).map(each => `  Revoked ${each.name} (${each.peer}).`)
  const edited = written.length > 0 ? [`  Edited: ${written.join(', ')}. Commit it before the next deploy.`] : []
  return [`${name} is removed, with its disk.`, ...gone, ...edited].join('\n')
}

async function recordsOf(options: ProjectOptions): Promise<VmRecords> {
  return new VmRecords((await openProject(options.project)).fleet)
}
