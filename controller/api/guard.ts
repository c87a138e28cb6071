/** Who may use the API: on the Unix socket its owner; on loopback who has the token, and no foreign page in a browser. */

import { timingSafeEqual } from 'node:crypto'
import type { MiddlewareHandler } from 'hono'
import { ApiError } from './api-error.ts'

/** Where a request came in. The socket's file lets only its owner in. */
export type Door = { readonly kind: 'socket' } | { readonly kind: 'loopback'; readonly token: string }

export function guard(door: Door): MiddlewareHandler {
  return async (context, next) => {
    const header = (name: string) => context.req.header(name)
    if (door.kind === 'loopback') {
      requireHost(header('host'))
      requireSameSite(header('sec-fetch-site'), header('origin'), header('host'))
      requireToken(header('authorization'), door.token)
    }
    await next()
    context.header('Cache-Control', 'no-store')
    context.header('X-Content-Type-Options', 'nosniff')
    context.header('Cross-Origin-Resource-Policy', 'same-origin')
  }
}

/** A page of another name that resolves to this machine (DNS rebinding) brings its own name. */
function requireHost(host: string | undefined): void {
  if (host !== undefined && /^(?:127\.0\.0\.1|localhost|\[::1\])(?::\d{1,5})?$/i.test(host)) return
  throw new ApiError(
    'wrong-host',
    `expected the Host 127.0.0.1, localhost or [::1], got ${JSON.stringify(host ?? '')}`,
    {
      hint: 'Open the API by its loopback address.',
    },
  )
}

/** Browsers say where a request comes from; programs say nothing. */
function requireSameSite(site: string | undefined, origin: string | undefined, host: string | undefined): void {
  const own = site === undefined || site === 'same-origin' || site === 'none'
  if (own && (origin === undefined || origin === `http://${host}`)) return
  throw new ApiError('cross-site', `expected a request of the API's own page, got one of ${origin ?? site}`, {
    hint: 'Another web page has sent it: close that page.',
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
