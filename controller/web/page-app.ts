/** All that the page's door answers: its files, who is signed in, the keys' lock, and the API behind that. */

import type { ServerResponse } from 'node:http'
import { Hono } from 'hono'
import type { ContentfulStatusCode } from 'hono/utils/http-status'
import { z } from 'zod'
import { ApiError, statusOf } from '../api/api-error.ts'
import { type ApiInit, makeApi } from '../api/app.ts'
import { type PageDoor, requireHost, requireSameSite } from '../api/guard.ts'
import { passphraseSchema } from '../api/orders.ts'
import { bodyOf, requestError } from '../api/request.ts'
import type { WebSessions } from '../api/schemas/web.ts'
import { wholeBody } from '../api/whole-body.ts'
import { operatorName } from '../fleet/names.ts'
import { cutOffBy } from '../session/cut-off.ts'
import { requireOperator, viewerOf } from '../session/viewer.ts'
import { publicKeys } from '../ssh/own-keys.ts'
import type { RemoteFiles } from '../ssh/remote-files.ts'
import type { Screens } from '../ssh/screens.ts'
import type { Terminals } from '../ssh/terminals.ts'
import { routeArtifacts } from './artifact-route.ts'
import { asksAnew } from './asks-anew.ts'
import type { OneTimeCodes } from './codes.ts'
import { routeFiles } from './file-routes.ts'
import { pageHeaders } from './headers.ts'
import { packed } from './packed.ts'
import { routeRestarts } from './restart-route.ts'
import type { PageSessions } from './sessions.ts'
import { routeSnapshots } from './snapshot-route.ts'
import type { StaticFile } from './static-files.ts'
import type { KeyLocks } from './unlock.ts'

export interface PageParts {
  readonly api: Omit<ApiInit, 'door'>
  readonly codes: OneTimeCodes
  readonly sessions: PageSessions
  readonly locks: KeyLocks
  readonly terminals: Terminals
  readonly screens: Screens
  readonly files: ReadonlyMap<string, StaticFile>
  readonly remoteFiles: RemoteFiles
  readonly port: () => number
  readonly listed: () => WebSessions
}

const nothing = z.strictObject({})
const codeBody = z.strictObject({ code: z.string().max(100) })
const unlockBody = z.strictObject({ passphrase: passphraseSchema })
/** One by its ID; or all that are signed in now, which may be more than a browser has listed. */
const endBody = z.union([
  z.strictObject({ id: z.string().max(40) }),
  z.strictObject({ all: z.literal(true), butThis: z.boolean().default(false) }),
])

export function makePage(parts: PageParts): Hono {
  const { sessions, locks, codes, port } = parts
  const { session } = parts.api
  const app = new Hono()
  const door: PageDoor = {
    kind: 'page',
    port,
    admit: authorization => void sessions.admit(authorization),
    requireUnlocked: authorization => {
      const { id } = sessions.admit(authorization)
      requireOperator(session)
      locks.use(id)
    },
    passphraseFor: async (authorization, order, options, given) => {
      const kept = locks.use(sessions.admit(authorization).id)
      if (!asksAnew(session, order, options) || !(await locks.sealed())) return kept
      await locks.check(given)
      return given
    },
  }
  const admitted = (context: { req: { header(name: string): string | undefined } }) =>
    sessions.admit(context.req.header('authorization'))

  app.use(async (context, next) => {
    const header = (name: string) => context.req.header(name)
    requireHost(header('host'), port())
    if (!opensDocument(context.req.path, context.req.method, header)) {
      requireSameSite(header('sec-fetch-site'), header('origin'), header('host'))
    }
    await next()
    context.res.headers.set('Cache-Control', context.res.headers.get('Cache-Control') ?? 'no-store')
    for (const [name, value] of Object.entries(pageHeaders)) context.header(name, value)
  })
  app.post('/page/session', async context => {
    const { code } = codeBody.parse(await bodyOf(context))
    if (!codes.redeem(code)) {
      throw new ApiError('wrong-code', 'expected a code that is at most a minute old and was never used, got another', {
        hint: 'Run `thymesh web` again. If you have not used this code yourself, somebody else on this machine has: end the sessions that `thymesh web sessions` lists.',
      })
    }
    const { token, session: begun } = await sessions.begin(context.req.header('user-agent') ?? '')
    return context.json({ token, id: begun.id })
  })
  app.get('/page/state', async context => {
    const { id } = admitted(context)
    const until = locks.until(id)
    return context.json({
      id,
      ...parts.api.controller,
      fleet: session.peer.fleet,
      operator: viewerOf(session) ?? (await session.home.operatorKeys.operator()) ?? operatorName(),
      viewer: viewerOf(session) !== undefined,
      cutOff: cutOffBy(session) ?? null,
      sealed: await locks.sealed(),
      unlockedUntil: until === undefined ? null : new Date(until).toISOString(),
      now: new Date().toISOString(),
    })
  })
  app.post('/page/unlock', async context => {
    const { id } = admitted(context)
    const { passphrase } = unlockBody.parse(await bodyOf(context))
    requireOperator(session)
    const { ownLog } = session.peer
    await locks.unlock(id, passphrase).catch(async (thrown: unknown) => {
      await ownLog.audited('unlock-refused', { browser: id })
      throw thrown
    })
    await ownLog.audited('keys-unlocked', { browser: id })
    return context.json({ unlockedUntil: new Date(locks.until(id) ?? Date.now()).toISOString() })
  })
  app.post('/page/lock', async context => {
    const { id } = admitted(context)
    nothing.parse(await bodyOf(context))
    locks.lock(id)
    return context.json({ unlockedUntil: null })
  })
  app.get('/page/sessions', context => {
    const { id: own } = admitted(context)
    return context.json({ own, ...parts.listed() })
  })
  app.post('/page/end', async context => {
    const { id: own } = admitted(context)
    const wish = endBody.parse(await bodyOf(context))
    if ('all' in wish) return context.json({ ended: await sessions.endAll(wish.butThis ? own : undefined) })
    await sessions.end(wish.id)
    return context.json({ ended: [wish.id] })
  })
  app.get('/page/terminals', context => {
    const own = parts.terminals.of(admitted(context).id)
    return context.json({ terminals: own.map(({ id, place, recorded }) => ({ id, ...place, recorded })) })
  })
  // Public halves, for a grant of access to oneself.
  app.get('/page/ssh-keys', async context => {
    admitted(context)
    return context.json({ keys: (await publicKeys([])).map(({ line }) => line) })
  })
  routeRestarts(app, { session, locks, owner: context => admitted(context).id })
  routeSnapshots(app, { session, screens: parts.screens, locks, owner: context => admitted(context).id })
  routeArtifacts(app, { session, owner: context => admitted(context).id })
  routeFiles(app, { files: parts.remoteFiles, locks, owner: context => admitted(context).id })
  const api = makeApi({ ...parts.api, door })
  app.all('/v1/*', async context => {
    const { id } = admitted(context)
    const { outgoing } = context.env as { outgoing: ServerResponse }
    // Streams go on for days: they end with the session.
    const cut = sessions.whenEnded(id, () => outgoing.destroy())
    outgoing.once('close', cut)
    return await packed(await api.fetch(context.req.raw, context.env), context.req.header('accept-encoding'))
  })
  app.get('*', context => {
    const file = parts.files.get(context.req.path)
    if (file === undefined) return context.notFound()
    const packs = /\bgzip\b/.test(context.req.header('accept-encoding') ?? '')
    return context.body(wholeBody(packs ? file.packed : file.bytes), 200, {
      'Content-Type': file.type,
      'Cache-Control': file.lasts ? 'max-age=31536000, immutable' : 'no-cache',
      ...(packs && { 'Content-Encoding': 'gzip' }),
      Vary: 'Accept-Encoding',
    })
  })
  app.notFound(context => {
    throw new ApiError('unknown-route', `expected a file of the page, got ${context.req.method} ${context.req.path}`, {
      hint: 'Open the page at its own address: `thymesh web` prints it.',
    })
  })
  app.onError((thrown, context) => {
    const error = requestError(thrown)
    for (const [name, value] of Object.entries(pageHeaders)) context.header(name, value)
    context.header('Cache-Control', 'no-store')
    const status = statusOf(error) as ContentfulStatusCode
    // A person who typed the address reads text; the page's own scripts read JSON.
    if (context.req.header('sec-fetch-dest') === 'document')
      return context.text(`${error.message}\n${error.hint}\n`, status)
    return context.json({ error }, status)
  })
  return app
}

/** A link of another page, or a bookmark, may open the document itself: it holds nothing, and its scripts ask by themselves. */
function opensDocument(path: string, method: string, header: (name: string) => string | undefined): boolean {
  return (
    path === '/' &&
    method === 'GET' &&
    header('sec-fetch-mode') === 'navigate' &&
    header('sec-fetch-dest') === 'document' &&
    header('origin') === undefined
  )
}
