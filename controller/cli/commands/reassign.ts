/** `thymesh rename`, `move` and `site rename`: a device or a site under another name, a device at another site, without joining anew. */

import type { OrderResult } from '../../api/orders.ts'
import { withAccess } from '../shell/access.ts'
import { type ChangeOptions, nextStep, releaseText, spread } from '../shell/life.ts'
import { print } from '../shell/output.ts'

export interface RenameOptions extends ChangeOptions {
  device: string
  to: string
}

export interface MoveOptions extends ChangeOptions {
  device: string
  /** `none` for no site: no site may have that name here. */
  to: string
}

export async function rename(options: RenameOptions): Promise<undefined> {
  const { device, to } = options
  return await change(options, { device, name: to }, `${device} is called ${to}`)
}

export async function move(options: MoveOptions): Promise<undefined> {
  const { device, to } = options
  const site = to === 'none' ? null : to
  return await change(options, { device, site }, `${device} is at ${site ?? 'no site'}`)
}

export interface RenameSiteOptions extends ChangeOptions {
  site: string
  to: string
}

export async function renameSite(options: RenameSiteOptions): Promise<undefined> {
  const { site, to, message, trustClock, wait } = options
  const said = `The site ${site} is called ${to}`
  return await withAccess(options, async access => {
    const commit = options.commit ? (message ?? said) : undefined
    const done = await access.order('rename-site', { site, to, message, trustClock, wait, commit })
    if (done === undefined) return undefined
    const heard = done.release === null ? done.told.length > 0 : await spread(access)
    const members = `  ${done.members.length === 0 ? 'No member was there' : `Signed anew for ${done.members.join(', ')}`}.`
    const alone = heard ? undefined : '  No other peer has it yet: run `thymesh status` later.'
    const lines = [`${said}.`, members, releaseText(done.release), alone, nextStep(done)]
    print(options, { ...done, heard }, lines.filter(line => line).join('\n'))
    return undefined
  })
}

async function change(
  options: ChangeOptions,
  about: { device: string; name?: string; site?: string | null },
  said: string,
): Promise<undefined> {
  const { message, trustClock, wait } = options
  return await withAccess(options, async access => {
    const commit = options.commit ? (message ?? said) : undefined
    const done = await access.order('reassign', { ...about, message, trustClock, wait, commit })
    if (done === undefined) return undefined
    const heard = done.release === null ? done.told.length > 0 : await spread(access)
    print(options, { ...done, heard }, textOf(done, said, heard))
    return undefined
  })
}

function textOf(done: OrderResult<'reassign'>, said: string, heard: boolean): string {
  const only = done.release === null ? ': only the project says so now' : ''
  const joined = done.peer === null ? `  It has not joined${only}.` : undefined
  const alone = heard || done.peer === null ? undefined : '  No other peer has it yet: run `thymesh status` later.'
  return [`${said}.`, joined, releaseText(done.release), alone, nextStep(done)].filter(line => line).join('\n')
}
