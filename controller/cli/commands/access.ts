/** `thymesh access`: who may log in on which devices. */

import { timeText } from '../../../protocol/encoding/fields.ts'
import { HintedError } from '../../../protocol/errors.ts'
import { sshFingerprint } from '../../../protocol/release/ssh-key.ts'
import { releaseName } from '../../format/release-name.ts'
import { publicKeys } from '../../ssh/own-keys.ts'
import { type Access, show, withAccess } from '../shell/access.ts'
import { confirm } from '../shell/confirm.ts'
import type { ProjectOptions, ReadOptions } from '../shell/options.ts'
import { exitCodes, note, print } from '../shell/output.ts'

interface ChangeOptions extends ProjectOptions {
  site?: string
  message?: string
  trustClock: boolean
}

export interface GrantOptions extends ChangeOptions {
  operator: string
  key: string[]
  device: string[]
  tag: string[]
  at: string[]
  user: string[]
  may: string[]
  forward: string[]
  record: boolean
  until?: Date
  yes: boolean
}

export interface WithdrawOptions extends ChangeOptions {
  grants: string[]
}

export async function listAccess(options: ReadOptions): Promise<undefined> {
  return await show('access', options, {})
}

export async function grantAccess(options: GrantOptions): Promise<number> {
  const { operator, site, message, trustClock, record, until } = options
  if (options.device.length + options.tag.length + options.at.length === 0) {
    throw new HintedError('no-place', 'expected devices, tags or sites to give access to, got none', {
      hint: "Name them: --device 'kiosk-*', --tag kiosk, --at harbour; --device '*' is every device.",
    })
  }
  const keys = await keysOf(options.key)
  const may = options.may.length + options.forward.length === 0 ? ['shell', 'exec', 'files'] : options.may
  for (const key of keys) note(options, `Key: ${key.split(' ')[0]} ${sshFingerprint(key)}`)
  // Only found keys are asked about: those that were named are meant.
  if (options.key.length === 0 && !(await confirm(options, `Give ${operator} access with ${keysText(keys)}?`))) {
    return exitCodes.failed
  }
  return await withAccess(options, async access => {
    const done = await access.order('access-grant', {
      ...{ operator, keys, site, message, trustClock, record },
      ...{ devices: options.device, tags: options.tag, sites: options.at },
      users: options.user.length === 0 ? ['root'] : options.user,
      may: [...may, ...options.forward.map(target => `forward:${target}`)],
      ...(until && { until: timeText(until) }),
    })
    return await ended(access, options, done, 'Granted')
  })
}

export async function withdrawAccess(options: WithdrawOptions): Promise<number> {
  const { grants, site, message, trustClock } = options
  return await withAccess(options, async access => {
    const done = await access.order('access-revoke', { grants, site, message, trustClock })
    return await ended(access, options, done, 'Revoked')
  })
}

type Done = Awaited<ReturnType<typeof Access.prototype.order<'access-grant'>>>

async function ended(access: Access, options: ChangeOptions, done: Done, verb: string): Promise<number> {
  if (done === undefined) return exitCodes.done
  const heard = (await access.order('spread', {}))?.heard === true
  const called = releaseName({ version: done.release, site: done.site })
  const what = `${verb}: ${done.grants.join(', ')}`
  const how = done.published ? `release ${called}` : `when release ${called} is approved: thymesh approve ${called}`
  const alone = heard ? '' : ' No other peer has it yet: run `thymesh status` when one is in reach.'
  print(options, { ...done, heard }, `${what} (${how}).${alone}`)
  return exitCodes.done
}

function keysText(keys: readonly string[]): string {
  return keys.length === 1 ? 'this key' : `these ${keys.length} keys`
}

/** The keys that were named, else those of the agent, else those in ~/.ssh. */
async function keysOf(named: readonly string[]): Promise<string[]> {
  const keys = [...new Set((await publicKeys(named)).map(({ line }) => line))]
  if (keys.length > 0) return keys
  throw new HintedError('no-key', 'expected a public key of OpenSSH, found none in the agent and in ~/.ssh', {
    hint: 'Make one with `ssh-keygen -t ed25519` (or ed25519-sk for a FIDO token), or name one with --key FILE.',
  })
}
