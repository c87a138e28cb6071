/** The steps of a guest's unit: made or brought up to date, put on the network, shut down. The unit itself keeps it on. */

import { open, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { exists } from '../../node/files/missing.ts'
import { runProgram } from '../../node/process/run-program.ts'
import { startOf } from '../../node/process/start-of.ts'
import { defaultSettingsFile, systemSettingsFile } from '../../node/settings/defaults.ts'
import { parseSettings, readSettingsFile } from '../../node/settings/settings.ts'
import { parseJoinToken } from '../../protocol/members/join-token.ts'
import type { Talk } from '../tasks/talk.ts'
import { bootId } from './boot-id.ts'
import { fillContainer } from './container.ts'
import type { GuestPlan } from './guest-plan.ts'
import { writeStart } from './guest-start.ts'
import { bootMs, prepareMs } from './limits.ts'
import { makeVm } from './make.ts'
import { keepIn, letOut } from './nat.ts'
import { requireContainers } from './needs.ts'
import { addressesForMachines, ensureBridge, layCable } from './network.ts'
import { fillQemu } from './qemu.ts'
import { type VmRecord, VmRecords } from './records.ts'
import { full, runPrepare } from './run-prepare.ts'
import { switchOff } from './switch.ts'
import { VmError } from './vm-error.ts'
import type { VmMembership, VmWish } from './wish.ts'

/** One folder a guest, beside those of `thymesh vm`. */
const guestsDirectory = '/var/lib/thymesh-guests'

/** Makes it, and lets it join, if it isn't there yet. Throws a VmError, or what joining throws. */
export async function prepareGuest(plan: GuestPlan, talk: Talk, directory = guestsDirectory): Promise<void> {
  const records = new VmRecords('', directory)
  const place = records.place(plan.name)
  if (plan.kind === 'container') await requireContainers(plan.root)
  const isNew = !(await exists(place))
  const record = isNew ? await made(records, plan, talk) : await renewed(records, plan, talk)
  await records.write(place, record)
  await writeStart(place, plan, record)
}

/** Once its first process is there; of a container that is the one with the network of its own. Throws a VmError. */
export async function connectGuest(plan: GuestPlan, pid: number, directory = guestsDirectory): Promise<void> {
  const records = new VmRecords('', directory)
  const record = await records.read(plan.name)
  const start = startOf(pid)
  if (start === undefined) {
    throw new VmError('vm-broken', `${plan.name} ended as soon as it was started`, {
      hint: `Read ${join(records.place(plan.name), 'screen.log')}.`,
    })
  }
  await records.noteRun(plan.name, { pid, start, boot: bootId(), cgroups: [] })
  if (record.kind !== 'container' || plan.kind !== 'container') return
  await ensureBridge()
  await layCable(pid, performance.now() + bootMs)
  if (plan.network === 'nat') await letOut(record.address)
  else await keepIn(record.address)
}

/** Shuts it down in order; resolves to whether it had to be killed. */
export async function stopGuest({ name, kind }: GuestPlan, directory = guestsDirectory): Promise<boolean> {
  return await switchOff(new VmRecords('', directory), { name, kind }, false)
}

async function made(records: VmRecords, plan: GuestPlan, talk: Talk): Promise<VmRecord> {
  const membership = membershipBy(plan)
  const wish = wishOf(plan)
  const { record } = await makeVm<VmRecord>(records, plan.name, membership, talk, draft =>
    plan.kind === 'container'
      ? fillContainer(records, draft, wish, membership, talk)
      : fillQemu(draft, wish, plan.program, membership, talk),
  )
  return record
}

/** A container gets the program of today; a disk only grows. */
async function renewed(records: VmRecords, plan: GuestPlan, talk: Talk): Promise<VmRecord> {
  const { name, memoryMegabytes, diskMegabytes } = plan
  const place = records.place(name)
  const record = await records.read(name)
  if (record.kind === 'container' && plan.kind === 'container' && (record.base === null) === (plan.root === null)) {
    if (diskMegabytes > record.diskMegabytes) await growContainer(join(place, 'disk.img'), diskMegabytes)
    talk.step('Placing this version of Thymesh')
    await runPrepare(place, { name, base: plan.root, join: null }, { signal: talk.signal })
    const size = Math.max(diskMegabytes, record.diskMegabytes)
    return { ...record, base: plan.root, memoryMegabytes, diskMegabytes: size }
  }
  if (record.kind === 'qemu' && plan.kind === 'qemu') {
    // The machine's own file system grows to it.
    if (diskMegabytes > record.diskMegabytes) await lengthen(join(place, `${record.config}.img`), diskMegabytes)
    const size = Math.max(diskMegabytes, record.diskMegabytes)
    return { ...record, program: plan.program, memoryMegabytes, diskMegabytes: size }
  }
  throw new VmError('vm-taken', `${place} is the disk of another kind of guest, or of one with another kind of root`, {
    hint: `Give the guest the kind and root that it was made with. Or delete ${place}, and give it the token of thymesh replace ${name}: it is made anew.`,
  })
}

function wishOf(plan: GuestPlan): VmWish {
  const { name, site, memoryMegabytes, diskMegabytes } = plan
  const base = plan.kind === 'container' ? plan.root : null
  // Which config it runs is the fleet's to say; here it only names a disk, which stays when that changes.
  return { name, config: name, site, memoryMegabytes, diskMegabytes, base }
}

/** Its token is in a file that only root reads. What fails here is tried again with the same one, which isn't used up then. */
function membershipBy(plan: GuestPlan): VmMembership {
  return {
    token: async () => {
      const token = await tokenOf(plan)
      const { listen, bootstrap } = await ownSettings()
      const peers = [...addressesForMachines(listen), ...bootstrap, ...parseJoinToken(token).bootstrap]
      return { token, bootstrap: [...new Set(peers)].slice(0, 64) }
    },
    declare: async () => [],
    forget: async () => {},
  }
}

async function tokenOf({ name, token }: GuestPlan): Promise<string> {
  const text = token !== null && (await exists(token)) ? (await readFile(token, 'utf8')).trim() : ''
  if (text !== '') return text
  throw new VmError('vm-needs', `expected a join token for the new guest ${name}, found none`, {
    hint: `Make one, and a secret of it: thymesh token --names ${name} --uses 1, then thymesh secret add. Name it in the guest's token.`,
  })
}

/** Those of this device's daemon, which is the first peer that a guest knows. */
async function ownSettings() {
  const read = async (file: string) => ((await exists(file)) ? await readSettingsFile(file) : {})
  const all = { ...(await read(systemSettingsFile)), ...(await read(defaultSettingsFile)) }
  return parseSettings(all, defaultSettingsFile)
}

async function growContainer(disk: string, megabytes: number): Promise<void> {
  await lengthen(disk, megabytes)
  // A check is what resize2fs asks for; 1 means that it mended something.
  for (const [program, args, worst] of [
    ['e2fsck', ['-fp', disk], 1],
    ['resize2fs', [disk], 0],
  ] as const) {
    const { code, errors } = await runProgram(program, args, { timeoutMs: prepareMs, lines: 5 })
    if (code === null || code > worst) throw full(`${program}: ${errors.join('\n')}`)
  }
}

async function lengthen(file: string, megabytes: number): Promise<void> {
  const bytes = megabytes * (1 << 20)
  if ((await stat(file)).size >= bytes) return
  const handle = await open(file, 'r+')
  await handle.truncate(bytes).finally(() => handle.close())
}
