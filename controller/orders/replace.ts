/** Orders for hardware that takes the name of other hardware: the old key is revoked, and secrets follow to the new one. */

import type { z } from 'zod'
import type {
  followSecretsOptions,
  replacedSchema,
  replaceOptions,
  secretsFollowedSchema,
} from '../api/schemas/life.ts'
import { deliverHead } from '../members/delivery.ts'
import { revoke } from '../members/revoke.ts'
import { resealed } from '../release/reseal.ts'
import { sameContentAs } from '../release/same-content-as.ts'
import { takeNews } from '../session/news.ts'
import type { Session } from '../session/session.ts'
import { acceptedOf } from '../signing/proposing.ts'
import type { Talk } from '../tasks/talk.ts'
import { holdersOf, inTurn, isAlive, LifeError, memberKeys, secretsOf } from './life-parts.ts'
import { unknownDevice } from './reassign.ts'
import { noPeerYet, submitRelease } from './submit-release.ts'

/** Ends the membership of all who have the name. Refuses where one of them is at work, unless it is meant. */
export async function replace(
  session: Session,
  options: z.output<typeof replaceOptions>,
  talk: Talk,
): Promise<z.output<typeof replacedSchema>> {
  return await inTurn(session, () => replaceNow(session, options, talk))
}

async function replaceNow(
  session: Session,
  { device, force, reason, wait }: z.output<typeof replaceOptions>,
  talk: Talk,
): Promise<z.output<typeof replacedSchema>> {
  const { peer, signing } = session
  await takeNews(session, talk.note, wait, noPeerYet, talk.signal)
  const holders = holdersOf(session, device)
  const secrets = secretsOf(session, device)
  const site = holders[0]?.site ?? acceptedOf(peer).release.devices[device]?.site ?? null
  const isDeclared = Object.hasOwn(acceptedOf(peer).release.devices, device)
  if (holders.length === 0 && !isDeclared) throw unknownDevice(session, device)
  const alive = holders.find(({ peer: id }) => isAlive(session, id, new Date()))
  if (alive !== undefined && !force) {
    throw new LifeError('still-alive', `the hardware of ${device} (${alive.peer}) is at work: it would be shut out`, {
      hint: 'Turn it off and wait 15 minutes, or say that you mean it: --force. It goes on with what it runs, unmanaged.',
    })
  }
  const why = reason ?? 'replaced by other hardware'
  const gone = holders.map(({ peer: subject, name }) => ({ kind: 'peer' as const, subject, name, reason: why }))
  const keys = await memberKeys(session)
  await signing.run(() => revoke(peer, gone, keys, new Date()))
  const told = await deliverHead(peer, wait * 1000)
  return { device, site, revoked: holders.map(({ name, peer: id }) => ({ name, peer: id })), told, secrets }
}

/** Encrypts the secrets of the release in force to those who are members now. */
export async function followSecrets(
  session: Session,
  { message, trustClock, wait }: z.output<typeof followSecretsOptions>,
  talk: Talk,
): Promise<z.output<typeof secretsFollowedSchema>> {
  await takeNews(session, talk.note, wait, noPeerYet, talk.signal)
  await session.registrar.settle()
  const content = async () => {
    const current = acceptedOf(session.peer).release
    return await resealed(session, current, sameContentAs(current, message ?? 'secrets follow the devices'), talk)
  }
  const first = await content()
  if (first.changed.length === 0) return { configs: [], release: null }
  const release = await submitRelease(session, async () => (await content()).content, { waitFor: [], trustClock }, talk)
  return { configs: first.changed, release }
}
