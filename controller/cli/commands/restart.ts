/** `thymesh reboot` and `thymesh restart-unit`: the two things that are done most on devices, through the grants of access. */

import { setTimeout as sleep } from 'node:timers/promises'
import type { RunResult } from '../../api/schemas/access.ts'
import { rebootCommand, restartCommand, unitNamed } from '../../ssh/restart-commands.ts'
import { type Access, withAccess } from '../shell/access.ts'
import { chosenDevices } from '../shell/chosen-devices.ts'
import { confirm } from '../shell/confirm.ts'
import { untilLeft } from '../shell/leaving.ts'
import { newsSeconds } from '../shell/limits.ts'
import { type OnDevicesOptions, onAll, resultsText } from '../shell/on-devices.ts'
import { exitCodes, note, print } from '../shell/output.ts'
import { splitUser } from '../shell/ssh-client.ts'

interface RestartOptions extends Omit<OnDevicesOptions, 'command'> {
  devices: string[]
  yes: boolean
}

export interface RebootOptions extends RestartOptions {
  /** Seconds to wait until they are back; 0 to leave at once. */
  back: number
}

export interface RestartUnitOptions extends RestartOptions {
  unit: string
}

const bootIdCommand = 'cat /proc/sys/kernel/random/boot_id'
const askAgainMs = 2_000

export async function reboot(options: RebootOptions): Promise<number> {
  return await onChosen(
    options,
    rebootCommand,
    targets => `Reboot ${targets}?`,
    async (access, results, left) => {
      const begun = results.filter(({ state }) => state === 'done')
      if (options.back === 0) return results
      note(options, `${begun.length} of ${results.length} devices reboot. Waiting until they are back; Ctrl-C leaves.`)
      const deadline = Date.now() + options.back * 1000
      return await Promise.all(
        results.map(each => (each.state === 'done' ? isBack(access, options, each, deadline, left) : each)),
      )
    },
  )
}

export async function restartUnit(options: RestartUnitOptions): Promise<number> {
  const name = unitNamed(options.unit)
  return await onChosen(
    options,
    restartCommand(name),
    targets => `Restart ${name} on ${targets}?`,
    async (_, results) => results,
  )
}

async function onChosen(
  options: RestartOptions,
  command: string,
  question: (targets: string) => string,
  after: (access: Access, results: RunResult[], left: AbortSignal) => Promise<RunResult[]>,
): Promise<number> {
  splitUser('x', options.user)
  return await withAccess(options, async access => {
    const { devices } = await access.ask('sshTargets', {}, newsSeconds)
    const chosen = chosenDevices(devices, options.devices)
    const names = chosen.map(({ device }) => device)
    const one = chosen.length === 1 && options.devices.length === 1
    // One that is named is meant; a crowd is asked about.
    const all =
      names.length > 10 ? `${names.slice(0, 10).join(', ')} and ${names.length - 10} others` : names.join(', ')
    if (!one && !(await confirm(options, question(all)))) return exitCodes.failed
    const results = await untilLeft(async left => {
      const first = await onAll(access, chosen, { ...options, command: [command] }, left)
      return await after(access, first, left)
    })
    print(options, { devices: results }, resultsText(results))
    return results.every(({ state }) => state === 'done') ? exitCodes.done : exitCodes.failed
  })
}

/** Asks for the ID of the boot until it is another one. */
async function isBack(
  access: Access,
  options: RebootOptions,
  before: RunResult,
  deadline: number,
  left: AbortSignal,
): Promise<RunResult> {
  while (Date.now() < deadline && !left.aborted) {
    await sleep(askAgainMs, undefined, { signal: left }).catch(() => {})
    const { devices } = await access.ask('sshTargets', {}, newsSeconds)
    const targets = devices.filter(({ device }) => device === before.device)
    const asked = { ...options, json: true, wait: Math.min(options.wait, 5), timeout: 15, command: [bootIdCommand] }
    const [now] = await onAll(access, targets, asked, left)
    if (now?.state === 'done' && now.stdout.trim() !== before.stdout.trim()) return before
  }
  const reason = left.aborted ? 'you left' : `it was not back after ${options.back} s`
  return { ...before, state: left.aborted ? 'stopped' : 'timed-out', reason }
}
