/** Who may use the API: on the Unix socket its owner; on loopback who has the token, and no foreign page in a browser. */

import { timingSafeEqual } from 'node:crypto'
import type { Context, MiddlewareHandler } from 'hono'
import { ApiError } from './api-error.ts'

/** Where a request came in. The socket's file lets only its owner in. */
export type Door = { readonly kind: 'socket' } | { readonly kind: 'loopback'; readonly token: string } | PageDoor

/** The door of the web page: browsers that are signed in, which order only while their keys are unlocked. */
export interface PageDoor {
  readonly kind: 'page'
  readonly port: () => number
  /** Throws where nobody is signed in with that. */
  admit(authorization: string | undefined): void
  /** Throws where the keys are locked. */
  requireUnlocked(authorization: string | undefined): void
  /** What opens the keys for an order, of which the body may give a passphrase. Throws where they stay locked. */
  passphraseFor(
    authorization: string | undefined,
    order: string,
    options: object,
    given: string | undefined,
  ): Promise<string | undefined>
}

/** The passphrase of what is ordered or written: its own, or for a page the one that its keys were unlocked with. */
export async function passphraseOf(
  context: Context,
  door: Door,
  name: string,
  options: object,
  given: string | undefined,
): Promise<string | undefined> {
  if (door.kind !== 'page') return given
  return await door.passphraseFor(context.req.header('authorization'), name, options, given)
}

export function guard(door: Door): MiddlewareHandler {
  return async (context, next) => {
    const header = (name: string) => context.req.header(name)
    if (door.kind === 'loopback') {
      requireHost(header('host'))
      requireSameSite(header('sec-fetch-site'), header('origin'), header('host'))
      requireToken(header('authorization'), door.token)
    }
    if (door.kind === 'page') {
      requireHost(header('host'), door.port())
      requireSameSite(header('sec-fetch-site'), header('origin'), header('host'))
      door.admit(header('authorization'))
    }
    await next()
    context.header('Cache-Control', 'no-store')
    context.header('X-Content-Type-Options', 'nosniff')
    context.header('Cross-Origin-Resource-Policy', 'same-origin')
  }
}

/** A page of another name that resolves to this machine (DNS rebinding) brings its own name. */
export function requireHost(host: string | undefined, port?: number): void {
  const [, given] = /^(?:127\.0\.0\.1|localhost|\[::1\])(?::(\d{1,5}))?$/i.exec(host ?? '') ?? [undefined, 'none']
  if (given !== 'none' && (port === undefined || given === String(port))) return
  throw new ApiError(
    'wrong-host',
    `expected the Host 127.0.0.1, localhost or [::1]${port === undefined ? '' : ` with port ${port}`}, got ${JSON.stringify(host ?? '')}`,
    {
      hint:
        port === undefined
          ? 'Open the API by its loopback address.'
          : `From another machine: ssh -L ${port}:127.0.0.1:${port} HOST, then open http://127.0.0.1:${port}/. A proxy can't stand before it.`,
    },
  )
}

/** Browsers say where a request comes from; programs say nothing. */
export function requireSameSite(site: string | undefined, origin: string | undefined, host: string | undefined): void {
  const own = site === undefined || site === 'same-origin' || site === 'none'
  if (own && (origin === undefined || origin === `http://${host}`)) return
  throw new ApiError('cross-site', `expected a request of the API's own page, got one of ${origin ?? site}`, {
    hint: "Another web page has sent it: close that page. A proxy can't stand before it: use ssh -L.",
  })
}

function requireToken(authorization: string | undefined, token: string): void {
  const [given, wanted] = [authorization ?? '', `Bearer ${token}`].map(text => Buffer.from(text))
  if (given && wanted && given.length === wanted.length && timingSafeEqual(given, wanted)) return
  throw new ApiError(
    'no-token',
    'expected the token of this API as `Authorization: Bearer TOKEN`, got another or none',
    {
      hint: 'Read it from the file api.token in the state of the controller; it changes at each start.',
    },
  )
}
