/** Reboots a device, or restarts a unit on it, for the page: through the grants of access, as the commands do. */

import type { Context, Hono } from 'hono'
import { z } from 'zod'
import { HintedError } from '../../protocol/errors.ts'
import { userSchema } from '../../protocol/release/access.ts'
import { bodyOf } from '../api/request.ts'
import type { Session } from '../session/session.ts'
import { runRemote } from '../ssh/remote-command.ts'
import { rebootCommand, restartCommand, unitNamed } from '../ssh/restart-commands.ts'
import { restartMs } from './limits.ts'
import type { KeyLocks } from './unlock.ts'

const restartSchema = z.strictObject({
  device: z.string().min(1).max(200),
  user: userSchema.default('root'),
  /** A unit; without it, the machine. */
  unit: z.string().min(1).max(255).optional(),
})

export interface RestartRoute {
  readonly session: Session
  readonly locks: Pick<KeyLocks, 'use'>
  /** The page's session of a request. Throws where there is none. */
  readonly owner: (context: Context) => string
}

/** Takes unlocked keys, as everything that uses the operator's rights. Answers when the device has done it. */
export function routeRestarts(app: Hono, { session, locks, owner }: RestartRoute): void {
  app.post('/page/restart', async context => {
    locks.use(owner(context))
    const { unit: given, ...place } = restartSchema.parse(await bodyOf(context))
    const unit = given === undefined ? undefined : unitNamed(given)
    const command = unit === undefined ? rebootCommand : restartCommand(unit)
    const { exitCode, output, timedOut } = await runRemote(session, place, command, restartMs)
    if (exitCode === 0) return context.json({ device: place.device, unit: unit ?? null })
    const what = unit === undefined ? `a reboot of ${place.device}` : `${unit} on ${place.device} to restart`
    const why = timedOut
      ? `it took more than ${restartMs / 1000} s`
      : lastLine(output) || `code ${exitCode ?? 'unknown'}`
    throw new HintedError('not-restarted', `expected ${what}, got: ${why}`, {
      hint: 'Its journal says more: the tab Logs, or `thymesh logs NAME`.',
    })
  })
}

function lastLine(output: string): string {
  return output.trim().split('\n').at(-1)?.slice(0, 500) ?? ''
}
