/** `thymesh courier`: serves bundles at a site, from any laptop, without Nix and without signing keys. */

import { once } from 'node:events'
import { access, readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { type CourierNews, startCourier } from '../../../node/courier/courier.ts'
import { makeLogger } from '../../../node/process/log.ts'
import { parseSettings } from '../../../node/settings/settings.ts'
import { HintedError } from '../../../protocol/errors.ts'
import { grantKind, parseJoinToken } from '../../../protocol/members/join-token.ts'
import { readEnvelope } from '../../../protocol/signing/dsse.ts'
import { homeDirectory } from '../../fleet/directories.ts'
import { untilLeft } from '../shell/leaving.ts'
import type { GlobalOptions } from '../shell/options.ts'
import { exitCodes, note, print } from '../shell/output.ts'

export interface CourierOptions extends GlobalOptions {
  files: string[]
  join?: string
  name?: string
  site?: string
  state?: string
  listen: string[]
  bootstrap: string[]
  mdns: boolean
}

export async function courier(options: CourierOptions): Promise<number> {
  const { listen, bootstrap, mdns } = options
  const settings = parseSettings(
    {
      state: resolve(options.state ?? join(homeDirectory(), 'courier')),
      ...(listen.length > 0 && { listen }),
      bootstrap,
      mdns,
      cache: false,
      log: options.log ?? 'warn',
      ...(options.join !== undefined && { join: await joinOf(options, options.join) }),
    },
    'the options',
  )
  const running = await startCourier(settings, options.files, makeLogger(settings.log))
  try {
    return await untilLeft(async left => {
      const what = options.files.length === 0 ? 'no bundle' : options.files.join(', ')
      note(options, `${running.name} serves ${what}. End it with Ctrl-C.`)
      let last = ''
      const show = () => {
        const { news } = running
        const text = inWords(news)
        if (text === last) return
        last = text
        print(options, news, text)
      }
      running.onChange(show)
      show()
      if (!left.aborted) await once(left, 'abort')
      return exitCodes.done
    })
  } finally {
    await running.stop()
  }
}

function inWords({ release, connected, updated, pending }: CourierNews): string {
  const list = (names: readonly string[]) => (names.length === 0 ? 'nobody' : names.join(', '))
  return `release ${release ?? '-'}: connected: ${list(connected)}; has it: ${list(updated)}; not yet: ${list(pending)}`
}

/** The name is the token's, unless that is a pattern. */
async function joinOf(options: CourierOptions, argument: string) {
  const isFile = await access(argument).then(
    () => true,
    () => false,
  )
  const token = (isFile ? await readFile(argument, 'utf8') : argument).trim()
  const { names } = readEnvelope(grantKind, parseJoinToken(token).grant).document
  const name = options.name ?? (names.includes('*') ? undefined : names)
  if (name === undefined) {
    throw new HintedError('no-name', `expected a name for the courier, got none; the token is for ${names}`, {
      hint: 'Add --name NAME.',
    })
  }
  return { token, name, ...(options.site !== undefined && { site: options.site }) }
}
