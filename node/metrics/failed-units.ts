/** The units that systemd calls failed. */

import { unitNameSchema } from '../../protocol/encoding/fields.ts'
import { runProgram } from '../process/run-program.ts'
import { unitsTimeoutMs } from './limits.ts'

/** Their names; undefined on a machine without systemd. */
export async function failedUnits(signal?: AbortSignal): Promise<string[] | undefined> {
  const args = ['list-units', '--state=failed', '--plain', '--no-legend', '--no-pager', '--full']
  const result = await runProgram('systemctl', args, {
    timeoutMs: unitsTimeoutMs,
    lines: 5,
    ...(signal && { signal }),
  }).catch(() => undefined)
  if (result?.code !== 0) return undefined
  const names = result.stdout.split('\n').map(line => line.trim().split(/\s+/)[0] ?? '')
  return names.filter(name => unitNameSchema.safeParse(name).success)
}
