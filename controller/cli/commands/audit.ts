/** `thymesh audit NAME`: the witnessed log of a device, verified, and as a file for others. */

import { writeFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { visibleFields } from '../../../protocol/encoding/visible.ts'
import type { DeviceAudit } from '../../api/schemas/audit.ts'
import { auditText, verdictText } from '../../views/audit.ts'
import { withAccess } from '../shell/access.ts'
import { newsSeconds } from '../shell/limits.ts'
import type { ProjectOptions } from '../shell/options.ts'
import { exitCodes, print } from '../shell/output.ts'

export interface AuditOptions extends ProjectOptions {
  device: string
  lines: number
  verify: boolean
  export?: string
  wait: number
}

export async function audit(options: AuditOptions): Promise<number> {
  const { device, lines, verify, wait } = options
  return await withAccess(options, async access => {
    const bytes = options.export !== undefined
    const about = { device, lines, verify, bytes, wait }
    const answer = await access.ask('audit', about, Math.min(newsSeconds, wait))
    if (options.export === undefined) print(options, answer, auditText(visibleFields(answer)))
    else {
      const file = resolve(options.export)
      await writeFile(file, exportOf(answer), { flag: 'wx' })
      const { entries, proof: _, ...rest } = answer
      const text = `${entries.length} entries are in ${file}.\n${verdictText(visibleFields(answer))}`
      print(options, { ...rest, entries: [], file }, text)
    }
    return answer.verified ? exitCodes.done : exitCodes.failed
  })
}

/** JSON in lines: first what verifies the entries, then the entries. */
function exportOf({ device, peer, from, size, proof, entries }: DeviceAudit): string {
  const lines = [{ device, peer, from, size, ...proof }, ...entries]
  return `${lines.map(line => JSON.stringify(line)).join('\n')}\n`
}
