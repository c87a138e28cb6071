/** Starts a machine that was made: a container with the program of today, which may be another one than that it was made with. */

import { ownProgram } from '../rehearsal/program.ts'
import type { Talk } from '../tasks/talk.ts'
import { switchOnQemu } from './qemu.ts'
import type { VmRecord, VmRecords } from './records.ts'
import { runPrepare } from './run-prepare.ts'
import { isOn, switchOn } from './switch.ts'

/** Whether it was off. `isNew`: it has this program already. */
export async function startVm(
  records: VmRecords,
  record: VmRecord,
  talk: Talk,
  { isNew = false } = {},
): Promise<boolean> {
  const { name } = record
  if (isOn(await records.run(name))) return false
  if (record.kind === 'container' && !isNew) {
    talk.step('Placing this version of Thymesh')
    await runPrepare(records.place(name), { name, base: record.base, join: null }, { signal: talk.signal })
  }
  talk.step('Starting the machine')
  const [main = ''] = process.argv.slice(1)
  if (record.kind === 'qemu') await switchOnQemu(records, record, talk)
  else await switchOn(records, record, ownProgram(main, record.base === null), talk)
  return true
}
