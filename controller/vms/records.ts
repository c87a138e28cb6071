/** Where virtual machines are on this computer, and the record of each: one folder a machine, which its user alone can open. */

import { mkdir, open, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { replaceFile } from '../../node/files/durable-file.ts'
import { exists, unlessMissing } from '../../node/files/missing.ts'
import { nameSchema, timeSchema } from '../../protocol/encoding/fields.ts'
import { messageOf } from '../../protocol/errors.ts'
import { FleetHome } from '../fleet/fleet-home.ts'
import {
  leastDiskMegabytes,
  leastMemoryMegabytes,
  machinesOfFleet,
  mostDiskMegabytes,
  mostMemoryMegabytes,
  recordBytes,
} from './limits.ts'
import { VmError } from './vm-error.ts'

/** Of root, since what is in it becomes the files of machines in which others are root. */
const systemDirectory = '/var/lib/thymesh-vms'

/** Other users have theirs, of QEMU alone, in their folder of the fleet. */
function directoryOf(fleet: string): string {
  const above = process.env.THYMESH_VMS || (process.getuid?.() === 0 ? systemDirectory : undefined)
  return above === undefined ? join(new FleetHome(fleet).directory, 'vms') : join(above, fleet.slice(0, 16))
}

const path = z.string().startsWith('/').max(4096)

const common = {
  v: z.literal(1),
  name: nameSchema,
  config: nameSchema,
  memoryMegabytes: z.int().min(leastMemoryMegabytes).max(mostMemoryMegabytes),
  diskMegabytes: z.int().min(leastDiskMegabytes).max(mostDiskMegabytes),
  created: timeSchema,
}

const recordSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    ...common,
    kind: z.literal('container'),
    /** The directory that it boots from; null for this computer's own programs. */
    base: path.nullable(),
    address: z.ipv4(),
    peer: z.string().max(100),
  }),
  z.strictObject({
    ...common,
    kind: z.literal('qemu'),
    /** The script that starts it, in the Nix store. */
    program: path,
  }),
])
export type VmRecord = z.infer<typeof recordSchema>
export type QemuRecord = Extract<VmRecord, { kind: 'qemu' }>
export type ContainerRecord = Extract<VmRecord, { kind: 'container' }>

/** What there is while a machine is on; it says nothing once its process is another one's. */
const runSchema = z.strictObject({
  /** The process with whose end all of the machine ends. */
  pid: z.int().positive(),
  /** When that started, and the boot that this counts from. */
  start: z.string().max(40),
  boot: z.string().max(100),
  cgroups: z.array(path).max(20),
})
export type VmRun = z.infer<typeof runSchema>

/** The machines of one fleet on this computer. */
export class VmRecords {
  readonly directory: string

  constructor(fleet: string, directory = directoryOf(fleet)) {
    this.directory = directory
  }

  place(name: string): string {
    return join(this.directory, name)
  }

  /** Where a machine is before it is whole: `place` has whole ones only. */
  draft(name: string): string {
    return join(this.directory, `.${name}.new`)
  }

  /** Who works on a machine, made or not. */
  lockFile(name: string): string {
    return join(this.directory, `.${name}.lock`)
  }

  async prepare(): Promise<void> {
    await mkdir(this.directory, { recursive: true, mode: 0o700 })
  }

  /** Names of whole machines, and of those that are being made. Throws a VmError where others' may not be seen. */
  async names(): Promise<{ whole: string[]; drafts: string[] }> {
    const found = (await unlessMissing(readdir(this.directory)).catch(refused)) ?? []
    const drafts = found.flatMap(name => /^\.(.+)\.new$/.exec(name)?.[1] ?? []).filter(isName)
    return { whole: found.filter(isName).sort(), drafts: drafts.sort() }
  }

  /** Throws a VmError where there is none of this name. */
  async read(name: string): Promise<VmRecord> {
    const { whole } = await this.names()
    if (!whole.includes(name)) {
      const others = process.getuid?.() === 0 ? '' : ' Containers are root’s: list them as root.'
      const hint =
        whole.length > 0 ? `There are ${whole.join(', ')}.` : 'thymesh vm create NAME --config CONFIG makes one.'
      throw new VmError('vm-unknown', `expected the name of a virtual machine of this computer, got ${name}`, {
        hint: `${hint}${others}`,
      })
    }
    return await readJson(join(this.place(name), 'machine.json'), recordSchema).catch(thrown => {
      throw new VmError('vm-broken', `the record of ${name} can't be read: ${messageOf(thrown)}`, {
        hint: `Remove the machine: thymesh vm remove ${name}`,
        cause: thrown,
      })
    })
  }

  async write(directory: string, record: VmRecord): Promise<void> {
    await replaceFile(join(directory, 'machine.json'), `${JSON.stringify(recordSchema.parse(record), null, 2)}\n`)
  }

  /** What was noted when it was switched on; nothing where that can't be read. */
  async run(name: string): Promise<VmRun | undefined> {
    const file = join(this.place(name), 'run.json')
    if (!(await exists(file))) return undefined
    return await readJson(file, runSchema).catch(() => undefined)
  }

  async noteRun(name: string, run: VmRun): Promise<void> {
    await replaceFile(join(this.place(name), 'run.json'), `${JSON.stringify(run)}\n`)
  }

  async forgetRun(name: string): Promise<void> {
    await rm(join(this.place(name), 'run.json'), { force: true })
  }

  /** All records that can be read. */
  async all(): Promise<VmRecord[]> {
    const { whole } = await this.names()
    const read = await Promise.all(whole.map(name => this.read(name).catch(() => undefined)))
    return read.filter(record => record !== undefined)
  }

  /** Throws a VmError where there are too many already. */
  async requireRoomForOne(): Promise<void> {
    const { whole, drafts } = await this.names()
    if (whole.length + drafts.length < machinesOfFleet) return
    throw new VmError('vm-full', `expected at most ${machinesOfFleet} virtual machines of a fleet, there are as many`, {
      hint: 'Remove one that nobody needs: thymesh vm remove NAME',
    })
  }
}

function isName(text: string): boolean {
  return nameSchema.safeParse(text).success
}

function refused(thrown: unknown): never {
  if ((thrown as NodeJS.ErrnoException).code !== 'EACCES') throw thrown
  throw new VmError('vm-needs', 'the virtual machines of this computer are root’s', {
    hint: 'Run it as root, with THYMESH_HOME naming your own folder of fleets.',
    cause: thrown,
  })
}

async function readJson<T>(file: string, schema: z.ZodType<T>): Promise<T> {
  const handle = await open(file)
  try {
    const { size } = await handle.stat()
    if (size > recordBytes) throw new RangeError(`expected at most ${recordBytes} bytes, got ${size}`)
    return schema.parse(JSON.parse(await handle.readFile('utf8')))
  } finally {
    await handle.close()
  }
}
