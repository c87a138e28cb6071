/** Routes of what is written at once: each answers when it is done, and tells the listeners what it has written. */

import type { Context } from 'hono'
import { z } from 'zod'
import { passphrases } from '../keys/passphrase.ts'
import type { Session } from '../session/session.ts'
import { requireOperator } from '../session/viewer.ts'
import type { EventLog } from './event-log.ts'
import { type Door, passphraseOf } from './guard.ts'
import { passphraseSchema } from './orders.ts'
import { bodyOf } from './request.ts'
import type { Write } from './write.ts'

const writtenSchema = z.object({ written: z.array(z.string()) })

export async function writeNow(
  context: Context,
  name: string,
  { options, load, maxBytes, shows }: Write,
  { session, events, door }: { session: Session; events: EventLog; door: Door },
): Promise<Response> {
  const { passphrase: own, ...given } = z
    .looseObject({ passphrase: passphraseSchema })
    .parse(await bodyOf(context, maxBytes))
  const parsed = options.parse(given)
  if (!shows) requireOperator(session)
  // What only shows needs no keys, and is answered while they are locked.
  const passphrase = shows ? own : await passphraseOf(context, door, name, parsed, own)
  const work = await load()
  const answer = await passphrases.with(passphrase, () => work(session, parsed))
  const { written = [] } = writtenSchema.safeParse(answer).data ?? {}
  if (written.length > 0) events.append('project', { files: written })
  return context.json(answer as object)
}
