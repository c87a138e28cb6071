/** `thymesh run`: one command on many devices, some at a time, with a table of who failed and who was not reached. */

import { HintedError } from '../../../protocol/errors.ts'
import { withAccess } from '../shell/access.ts'
import { chosenDevices } from '../shell/chosen-devices.ts'
import { untilLeft } from '../shell/leaving.ts'
import { newsSeconds } from '../shell/limits.ts'
import { type OnDevicesOptions, onAll, resultsText } from '../shell/on-devices.ts'
import { exitCodes, print } from '../shell/output.ts'
import { splitUser } from '../shell/ssh-client.ts'

export interface RunOptions extends OnDevicesOptions {
  on: string[]
}

export async function run(options: RunOptions): Promise<number> {
  if (options.command.length === 0) {
    throw new HintedError('no-command', 'expected a command behind --, got none', {
      hint: 'For example: thymesh run --on tag:kiosk -- uptime',
    })
  }
  splitUser('x', options.user)
  return await withAccess(options, async access => {
    const { devices } = await access.ask('sshTargets', {}, newsSeconds)
    const chosen = chosenDevices(devices, options.on)
    const results = await untilLeft(left => onAll(access, chosen, options, left))
    print(options, { devices: results }, resultsText(results))
    return results.every(({ state }) => state === 'done') ? exitCodes.done : exitCodes.failed
  })
}
