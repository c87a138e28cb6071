/** `thymesh proposals`, `approve` and `reject`: what other operators want, and one's word on it. */

import { releaseName } from '../../format/release-name.ts'
import { ProposingError } from '../../signing/proposing-error.ts'
import { capital, signaturesText } from '../../views/proposal.ts'
import { type Access, show, withAccess } from '../shell/access.ts'
import { confirm } from '../shell/confirm.ts'
import type { ProjectOptions, ReadOptions, WatchOptions } from '../shell/options.ts'
import { exitCodes, note, print } from '../shell/output.ts'
import { watch } from '../shell/watch.ts'

export async function proposals(options: ReadOptions): Promise<undefined> {
  return await show('proposals', options, {})
}

export type ApproveOptions = WatchOptions & { which: string; yes: boolean; trustClock: boolean; news: number }

/** Shows what a proposal changes, signs it, and publishes it when its thresholds are met. */
export async function approve(options: ApproveOptions): Promise<number> {
  return await withAccess(options, async access => {
    const { id, title, complete, withdrawn, text } = await find(access, options)
    if (withdrawn) {
      throw new ProposingError('withdrawn', `expected an open proposal, got ${title}, which its author has withdrawn`, {
        hint: 'Ask the author. `thymesh proposals` lists the others.',
      })
    }
    note(options, text)
    if (!(await confirm(options, complete ? 'Publish it?' : 'Sign it?'))) return exitCodes.failed
    const { message, trustClock } = options
    const done = await access.order('approve', { id, message, trustClock })
    if (done === undefined) return exitCodes.done
    const { published, release, root } = done
    const isRelease = release !== null && root === null
    // The controller that proposed it has the closures: a command that doesn't wait needs no peer that has them.
    if (published && isRelease && options.wait) {
      const site = done.site ?? undefined
      note(options, `Release ${releaseName({ site, version: release })} has all its signatures and is published.`)
      return await watch(access, { version: release, site }, options)
    }
    const heard = (await access.order('spread', {}))?.heard === true
    const what = published ? 'is published' : await missing(access, id)
    const from = published && isRelease ? ` Its closures come from the controller that proposed it.` : ''
    const rest = heard ? from : ' No other peer has it yet: run `thymesh status` when one is in reach.'
    const { site: _, ...json } = done
    print(options, { ...json, heard }, `${capital(title)} ${what}.${rest}`)
    return exitCodes.done
  })
}

export type RejectOptions = ProjectOptions & { which: string; message?: string; news: number }

export async function reject(options: RejectOptions): Promise<number> {
  return await withAccess(options, async access => {
    const { id, title } = await find(access, options)
    const done = await access.order('reject', { id, message: options.message })
    if (done === undefined) return exitCodes.done
    print(options, done, `${capital(title)} is ${done.withdrawn ? 'withdrawn' : 'rejected by you'}.`)
    return exitCodes.done
  })
}

/** By the version of its release or root, or by the beginning of its ID; waits for it to come. */
async function find(access: Access, { which, news }: { which: string; news: number }) {
  return await access.ask('proposal', { which, wait: news }, news)
}

async function missing(access: Access, id: string): Promise<string> {
  const { proposals } = await access.ask('proposals', {}, 0)
  const signed = proposals.find(each => each.id === id)
  return signed === undefined || signed.complete
    ? 'has all signatures; an operator of the fleet publishes it'
    : `is signed; missing: ${signaturesText(signed)}`
}
