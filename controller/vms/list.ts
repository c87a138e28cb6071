/** The virtual machines of a fleet on this computer, as they are now. */

import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { unlessMissing } from '../../node/files/missing.ts'
import type { VmRow } from '../api/schemas/vms.ts'
import type { VmRecords } from './records.ts'
import { isOn } from './switch.ts'

export async function listVms(records: VmRecords): Promise<VmRow[]> {
  const { whole, drafts } = await records.names()
  const rows = await Promise.all(whole.map(name => row(records, name)))
  const unfinished = drafts
    .filter(name => !whole.includes(name))
    .map(name => ({ ...nothing(name), state: 'unfinished' as const }))
  return [...rows, ...unfinished]
}

async function row(records: VmRecords, name: string): Promise<VmRow> {
  const record = await records.read(name).catch(() => undefined)
  if (record === undefined) return { ...nothing(name), state: 'damaged' }
  const { config, kind, memoryMegabytes, diskMegabytes, created } = record
  const disk = await unlessMissing(stat(join(records.place(name), kind === 'qemu' ? `${config}.img` : 'disk.img')))
  return {
    ...{ name, config, kind, memoryMegabytes, diskMegabytes, created },
    state: isOn(await records.run(name)) ? 'running' : 'stopped',
    address: record.kind === 'container' ? record.address : null,
    usedMegabytes: disk === undefined ? null : Math.ceil((disk.blocks * 512) / (1 << 20)),
  }
}

function nothing(name: string) {
  const unknown = { address: null, memoryMegabytes: null, diskMegabytes: null, usedMegabytes: null, created: null }
  return { name, config: '', kind: 'container' as const, ...unknown }
}
