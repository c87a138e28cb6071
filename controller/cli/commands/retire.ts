/** `thymesh retire`: ends the life of a device in the fleet; what is left on the machine goes with `--wipe`. */

import type { OrderResult } from '../../api/orders.ts'
import { type Access, withAccess } from '../shell/access.ts'
import { confirm } from '../shell/confirm.ts'
import { type ChangeOptions, nextStep, releaseText, spread } from '../shell/life.ts'
import { newsSeconds } from '../shell/limits.ts'
import { exitCodes, note, print } from '../shell/output.ts'
import type { ClientOptions } from '../shell/ssh-client.ts'

export interface RetireOptions extends ChangeOptions, ClientOptions {
  device: string
  reason?: string
  wipe: boolean
  yes: boolean
}

/**
 * Run by root on the device, outside of the session, which ends with the daemon: stops the daemon, and removes keys, secrets
 * and state. The daemon writes the program that it is.
 */
const wipeCommand =
  'program=/var/lib/thymesh/bin/thymesh; [ -x "$program" ] || program=$(command -v thymesh) || exit 127; ' +
  'exec systemd-run --quiet --collect --unit=thymesh-leave -- "$program" leave --yes --after 3'

export async function retire(options: RetireOptions): Promise<number> {
  const { device, reason, message, trustClock, wait } = options
  const what = options.wipe ? ', and delete keys, secrets and state on it' : ''
  if (!(await confirm(options, `Retire ${device} for good${what}?`))) return exitCodes.failed
  return await withAccess(options, async access => {
    const wiped = options.wipe ? await wipe(access, options) : null
    const commit = options.commit ? (message ?? `Retire ${device}`) : undefined
    const done = await access.order('retire', { device, reason, message, trustClock, wait, commit })
    if (done === undefined) return exitCodes.done
    const heard = done.release === null ? done.told.length > 0 : await spread(access)
    print(options, { ...done, wiped, heard }, textOf(done, wiped))
    return exitCodes.done
  })
}

/** Throws where the device can't be reached or refuses: it would be revoked, and reachable never again. */
async function wipe(access: Access, options: RetireOptions): Promise<true> {
  const { onAll } = await import('../shell/on-devices.ts')
  const { targetNamed } = await import('../shell/ssh-client.ts')
  const { devices } = await access.ask('sshTargets', {}, newsSeconds)
  const target = targetNamed(devices, options.device)
  const given = { ...options, user: 'root', command: [wipeCommand], timeout: 60 }
  const [ran] = await onAll(access, [target], given, new AbortController().signal)
  if (ran?.state === 'done') {
    note(options, `${options.device} was told to delete its keys, secrets and state.`)
    return true
  }
  const { HintedError } = await import('../../../protocol/errors.ts')
  throw new HintedError(
    'not-wiped',
    `${options.device} was not wiped: ${ran?.reason ?? ran?.state}. Nothing was changed.`,
    {
      hint: 'Root needs a grant with the right exec (thymesh access grant). Or run `thymesh leave` there, or retire it without --wipe.',
    },
  )
}

function textOf(done: OrderResult<'retire'>, wiped: true | null): string {
  const gone = done.revoked.map(({ name, peer }) => `  Revoked ${name} (${peer}).`)
  const changed = wiped ? 'Change them unless you see there that they are gone.' : 'It has them still: change them.'
  const secrets =
    done.secrets.length === 0 ? undefined : `  It could read these secrets: ${done.secrets.join(', ')}. ${changed}`
  const left = wiped
    ? '  On the machine: what it runs goes on until it is installed anew. Its keys and secrets of the fleet go some seconds after this.'
    : '  On the machine everything is as it was. There, as root: thymesh leave'
  const lines = [`${done.device} is retired.`, ...gone, releaseText(done.release), nextStep(done), secrets]
  return [...lines, done.revoked.length > 0 ? left : undefined].filter(line => line).join('\n')
}
