/** `thymesh replace`: other hardware takes the name of a device; the old key is revoked, its secrets follow. */

import { setTimeout as sleep } from 'node:timers/promises'
import type { OrderResult } from '../../api/orders.ts'
import { tokenOptions } from '../../api/schemas/token.ts'
import { checkAddresses } from '../../project/addresses.ts'
import { type Access, withAccess } from '../shell/access.ts'
import { confirm } from '../shell/confirm.ts'
import { untilLeft } from '../shell/leaving.ts'
import { releaseText, spread } from '../shell/life.ts'
import { documentSeconds } from '../shell/limits.ts'
import type { ReadOptions } from '../shell/options.ts'
import { exitCodes, note, print } from '../shell/output.ts'

export interface ReplaceOptions extends ReadOptions {
  device: string
  days: number
  bootstrap: string[]
  reason?: string
  force: boolean
  yes: boolean
  finish: boolean
  follow: boolean
  timeout: number
  trustClock: boolean
}

/** Between two looks whether the new hardware has joined. */
const lookAgainMs = 1_000

export async function replace(options: ReplaceOptions): Promise<number> {
  const { device, force, reason, wait, days, bootstrap, trustClock } = options
  if (options.finish) return await withAccess(options, access => finish(access, options))
  // What is wrong with them must not show after the old hardware is shut out.
  const wish = tokenOptions.parse({ names: device, days, uses: 1, bootstrap, trustClock })
  checkAddresses(bootstrap, '--bootstrap')
  const question = `Revoke the present hardware of ${device} and let other hardware have its name?`
  if (!(await confirm(options, question))) return exitCodes.failed
  return await withAccess(options, async access => {
    const freed = await access.order('replace', { device, force, reason, wait })
    if (freed === undefined) return exitCodes.done
    const { token, id, expires } = await access.write('token', {
      ...wish,
      ...(freed.site !== null && { site: freed.site }),
    })
    const follows = options.follow && !options.json
    if (!follows) {
      print(options, { ...freed, token, id, expires }, token)
      note(options, textOf(freed, expires))
      if (freed.secrets.length > 0) note(options, `Then here, for its secrets: thymesh replace ${device} --finish`)
      return exitCodes.done
    }
    print(options, {}, token)
    note(options, textOf(freed, expires))
    return await finish(access, options)
  })
}

function textOf({ device, revoked }: OrderResult<'replace'>, expires: string): string {
  const gone = revoked.map(({ peer }) => `Revoked ${device} (${peer}).`)
  const hand = `The token is for ${device} alone, until ${expires}. It holds a key: hand it on like a password.`
  return [...gone, hand, `On the new hardware: thymesh join --name ${device} TOKEN`].join('\n')
}

/** Waits for the new hardware, and has the secrets of the release encrypted to it. */
async function finish(access: Access, options: ReplaceOptions): Promise<number> {
  const { device, trustClock } = options
  note(options, `Waiting for ${device} to join. Ctrl-C leaves; then later: thymesh replace ${device} --finish`)
  const peer = await untilLeft(left => joined(access, options, left))
  if (peer === undefined) {
    note(options, `${device} has not joined yet.`)
    return exitCodes.incomplete
  }
  const followed = await access.order('follow-secrets', { trustClock })
  const release = followed?.release ?? null
  const heard = release === null || (await spread(access))
  const secrets =
    release === null ? 'No secret had to be encrypted anew.' : 'Its secrets are encrypted to the new hardware.'
  const lines = [`${device} has joined as ${peer}. ${secrets}`, releaseText(release)]
  print(options, { device, peer, release, heard }, lines.filter(line => line).join('\n'))
  return exitCodes.done
}

/** The peer ID of the one member with the name, once a controller has signed for it; nothing where time is over. */
async function joined(
  access: Access,
  { device, timeout }: ReplaceOptions,
  left: AbortSignal,
): Promise<string | undefined> {
  const deadline = Date.now() + timeout * 1000
  do {
    const { members } = await access.ask('members', {}, documentSeconds)
    const found = members.find(({ name, state }) => name === device && state === 'member')
    if (found !== undefined) return found.peer
    await sleep(lookAgainMs, undefined, { signal: left }).catch(() => {})
  } while (!left.aborted && Date.now() < deadline)
  return undefined
}
