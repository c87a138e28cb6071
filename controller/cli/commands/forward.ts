/** `thymesh forward`: ports and sockets of a device on this machine, at an address of the device's own. */

import { spawn } from 'node:child_process'
import { HintedError, messageOf } from '../../../protocol/errors.ts'
import { forwardTargetSchema } from '../../../protocol/release/access.ts'
import { withAccess } from '../shell/access.ts'
import { forwardTicket } from '../shell/forward-ticket.ts'
import { untilLeft } from '../shell/leaving.ts'
import { newsSeconds } from '../shell/limits.ts'
import { openForward, placesFor } from '../shell/open-forward.ts'
import type { ProjectOptions } from '../shell/options.ts'
import { exitCodes, note, print } from '../shell/output.ts'
import { targetNamed } from '../shell/ssh-client.ts'

export interface ForwardOptions extends ProjectOptions {
  device: string
  to: string
  user: string
  wait: number
  local?: string
  identity: string[]
  open: boolean
}

export async function forward(options: ForwardOptions): Promise<number> {
  const to = targetOf(options.to)
  return await withAccess(options, async access => {
    const { fleetId, devices } = await access.ask('sshTargets', {}, newsSeconds)
    const target = targetNamed(devices, options.device)
    const { user, wait, identity } = options
    const ticket = await forwardTicket(access, { target, user, wait, identity, right: 'forward' })
    const opened = await openForward(access, {
      ...{ device: target.device, ticket, to, wait, user },
      places: placesFor(fleetId, target.device, to, options.local),
      onRefused: ({ message, hint }) => note(options, `${to}: ${message}. ${hint}`),
    })
    const { at } = opened
    const url = at.startsWith('/') ? null : `http://${at}/`
    print(
      options,
      { device: target.device, to, local: at, url },
      `${target.device}: ${to} is at ${url ?? at}. Ctrl-C ends it.`,
    )
    if (options.open && url !== null) openBrowser(url, options)
    await untilLeft(opened.keep)
    return exitCodes.done
  })
}

/** A port of the device's loopback, `tcp:HOST:PORT`, `HOST:PORT`, `unix:/PATH` or `/PATH`. Throws a HintedError. */
function targetOf(text: string): string {
  const target = /^\d+$/.test(text)
    ? `tcp:127.0.0.1:${text}`
    : text.startsWith('/')
      ? `unix:${text}`
      : /^(?:tcp|unix):/.test(text)
        ? text
        : `tcp:${text}`
  if (forwardTargetSchema.safeParse(target).success && !target.endsWith(':*')) return target
  throw new HintedError(
    'invalid-target',
    `expected a port, HOST:PORT or /PATH of a socket, got ${JSON.stringify(text)}`,
    {
      hint: 'For example: thymesh forward kiosk-1 80, thymesh forward kiosk-1 unix:/run/app.sock',
    },
  )
}

function openBrowser(url: string, options: ForwardOptions): void {
  const child = spawn('xdg-open', [url], { stdio: 'ignore', detached: true })
  child.once('error', error => note(options, `No browser was opened: ${messageOf(error)}`))
  child.unref()
}
