/** Starts a machine that was made: with the program of today, which may be another one than that it was made with. */

import { ownProgram } from '../rehearsal/program.ts'
import type { Talk } from '../tasks/talk.ts'
import type { ContainerRecord, VmRecords } from './records.ts'
import { runPrepare } from './run-prepare.ts'
import { isOn, switchOn } from './switch.ts'

/** Whether it was off. `isNew`: it has this program already. */
export async function startContainer(
  records: VmRecords,
  record: ContainerRecord,
  talk: Talk,
  { isNew = false } = {},
): Promise<boolean> {
  const { name, base } = record
  if (isOn(await records.run(name))) return false
  if (!isNew) {
    talk.step('Placing this version of Thymesh')
    await runPrepare(records.place(name), { name, base, join: null }, { signal: talk.signal })
  }
  talk.step('Starting the machine')
  const [main = ''] = process.argv.slice(1)
  await switchOn(records, record, ownProgram(main, base === null), talk.signal)
  return true
}
