/** `thymesh site`: sites with operators of their own. */

import { nameSchema } from '../../../protocol/encoding/fields.ts'
import { HintedError } from '../../../protocol/errors.ts'
import { cardLine, parseCard, requireFleet } from '../../keys/card.ts'
import { openProject } from '../../project/project.ts'
import { show, withAccess } from '../shell/access.ts'
import { confirm } from '../shell/confirm.ts'
import type { ProjectOptions, ReadOptions } from '../shell/options.ts'
import { exitCodes, note, print } from '../shell/output.ts'

export interface SiteChangeOptions extends ProjectOptions {
  site: string
  message?: string
  yes: boolean
  trustClock: boolean
}

export interface SiteDelegateOptions extends SiteChangeOptions {
  operator: string[]
  threshold: number
}

export async function siteDelegate(options: SiteDelegateOptions): Promise<number> {
  const { fleet } = await openProject(options.project)
  const site = checkedSite(options.site)
  if (options.operator.length === 0) {
    throw new HintedError('no-operators', `--operator: expected the card of an operator of ${site}, got none`, {
      hint: 'Ask each operator for the card that `thymesh key show` prints.',
    })
  }
  const operators = await Promise.all(options.operator.map(cardLine))
  requireFleet(operators.map(parseCard), fleet)
  return await change(options, operators, options.threshold)
}

export async function siteRevoke(options: SiteChangeOptions): Promise<number> {
  return await change(options, [], 1)
}

function checkedSite(given: string): string {
  const parsed = nameSchema.safeParse(given)
  if (parsed.success) return parsed.data
  throw new HintedError('invalid-name', `the site: ${parsed.error.issues[0]?.message}, got ${JSON.stringify(given)}`, {
    hint: 'Use the name in the certificates of its devices: `thymesh members` shows it.',
  })
}

/** A new root, for the Nix keys, and new targets, for the delegation: published at once, or proposed. */
async function change(options: SiteChangeOptions, operators: string[], threshold: number): Promise<number> {
  const { site, message, trustClock } = options
  const about = { site, operators, threshold, message, trustClock }
  return await withAccess(options, async access => {
    const { text, complete, base } = await access.write('preview-site', about)
    note(options, text)
    if (!(await confirm(options, complete ? 'Sign and publish it?' : 'Sign it?'))) return exitCodes.failed
    const done = await access.order('change-site', { ...about, base })
    if (done === undefined) return exitCodes.done
    const { id, published, heard, missing } = done
    const how = published ? 'is published' : `is proposed: ${missing}`
    const alone = heard ? '' : ' No other peer has it yet: run `thymesh status` when one is in reach.'
    print(options, { id, site, published, heard }, `The change of ${site} ${how}.${alone}`)
    return exitCodes.done
  })
}

export async function siteList(options: ReadOptions): Promise<undefined> {
  return await show('sites', options, {})
}
