/** USB sticks as files, and the port of a machine in QEMU that they are plugged into and pulled out of. */

import { copyFile, mkdir, rm, truncate, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { z } from 'zod'
import { LabError } from '../errors.ts'
import { mustRun } from '../run.ts'
import type { Qmp } from './qmp.ts'

const options = { timeoutMs: 300_000, env: process.env }
const MEGABYTE = 1 << 20
const stickMegabytes = 128
/** Where the one partition of a stick begins, as sticks are sold. */
const partitionAt = MEGABYTE

/** What QEMU needs for sticks: a controller of USB 3. */
export const usbController = ['-device', 'qemu-xhci,id=usb']

/** A stick with a partition of FAT32, as it is sold, with these files (name: file of this computer) and empty folders. */
export async function fatStick(
  stick: string,
  label: string,
  files: Readonly<Record<string, string>>,
  folders: readonly string[] = [],
): Promise<void> {
  await blank(stick)
  await mustRun(['sfdisk', '-q', stick], { ...options, input: `label: dos\nstart=${partitionAt / 512}, type=c\n` })
  const kilobytes = String((stickMegabytes * MEGABYTE - partitionAt) / 1024)
  await mustRun(['mkfs.vfat', '-F', '32', '-n', label, `--offset=${partitionAt / 512}`, stick, kilobytes], options)
  const at = `${stick}@@${partitionAt}`
  for (const folder of folders) await mustRun(['mmd', '-i', at, `::${folder}`], options)
  for (const [name, file] of Object.entries(files)) await mustRun(['mcopy', '-i', at, file, `::${name}`], options)
}

/** Takes a folder from such a stick. */
export async function fromFatStick(stick: string, folder: string, into: string): Promise<void> {
  await mkdir(into, { recursive: true })
  await mustRun(['mcopy', '-s', '-i', `${stick}@@${partitionAt}`, `::${folder}`, into], options)
}

/** A stick with an empty exFAT on the whole of it. Needs exfatprogs. */
export async function exfatStick(stick: string, label: string): Promise<void> {
  await blank(stick)
  const argv = ['mkfs.exfat', '-L', label, stick]
  await mustRun(argv, options).catch((thrown: unknown) => {
    if ((thrown as NodeJS.ErrnoException).code !== 'ENOENT') throw thrown
    throw new LabError('lab-missing', 'expected mkfs.exfat on the PATH', { hint: 'Install exfatprogs.' })
  })
}

/** A stick that a bundle was written to with dd: no file system, and what was there before follows. */
export async function rawStick(stick: string, bundle: string): Promise<void> {
  await mkdir(dirname(stick), { recursive: true })
  await copyFile(bundle, stick)
  await truncate(stick, stickMegabytes * MEGABYTE)
}

async function blank(stick: string): Promise<void> {
  await mkdir(dirname(stick), { recursive: true })
  await rm(stick, { force: true })
  await writeFile(stick, '')
  await truncate(stick, stickMegabytes * MEGABYTE)
}

const statisticsSchema = z.array(
  z.object({
    'node-name': z.string().optional(),
    qdev: z.string().optional(),
    stats: z.object({ rd_bytes: z.number() }),
  }),
)

export class UsbPort {
  readonly #qmp: Qmp
  #plugged = 0

  constructor(qmp: Qmp) {
    this.#qmp = qmp
  }

  /** Plugs a stick in, one that gives so many bytes a second if said; its ID here is the answer. */
  async plug(stick: string, bytesPerSecond?: number): Promise<string> {
    const id = `stick${++this.#plugged}`
    await this.#qmp.order('blockdev-add', {
      'node-name': `${id}-file`,
      driver: 'raw',
      file: { driver: 'file', filename: stick },
    })
    const limits = bytesPerSecond === undefined ? {} : { 'bps-read': bytesPerSecond }
    await this.#qmp.order('object-add', { 'qom-type': 'throttle-group', id: `${id}-pace`, limits })
    const paced = { 'node-name': id, driver: 'throttle', 'throttle-group': `${id}-pace`, file: `${id}-file` }
    await this.#qmp.order('blockdev-add', paced)
    await this.#qmp.order('device_add', { driver: 'usb-storage', id, bus: 'usb.0', drive: id, serial: id })
    return id
  }

  /** Pulls it out, whatever is at work on it. */
  async pull(id: string): Promise<void> {
    const gone = this.#qmp.event('DEVICE_DELETED', data => z.object({ device: z.literal(id) }).safeParse(data).success)
    await Promise.all([gone, this.#qmp.order('device_del', { id })])
    for (const node of [id, `${id}-file`]) await this.#qmp.order('blockdev-del', { 'node-name': node })
    await this.#qmp.order('object-del', { id: `${id}-pace` })
  }

  /** Bytes that the machine has read from a stick that is in. */
  async readBytes(id: string): Promise<number> {
    const all = statisticsSchema.parse(await this.#qmp.order('query-blockstats'))
    const one = all.find(({ qdev, 'node-name': node }) => node === id || qdev?.includes(id))
    return one?.stats.rd_bytes ?? 0
  }

  close(): void {
    this.#qmp.close()
  }
}
