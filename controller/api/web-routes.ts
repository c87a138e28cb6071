/** Routes of the socket that open the web page, and that list and end the browsers that are signed in to it. */

import type { Context } from 'hono'
import { ApiError } from './api-error.ts'
import { bodyOf } from './request.ts'
import { endWebOptions, type OpenedWeb, openWebOptions, type WebSessions } from './schemas/web.ts'

/** What serves the page in this process. */
export interface WebHost {
  /** Serves it, if it isn't yet, and makes a code for one browser. */
  open(port: number | undefined): Promise<OpenedWeb>
  sessions(): Promise<WebSessions>
  end(id: string): Promise<void>
}

export async function openWeb(context: Context, web: WebHost | undefined): Promise<Response> {
  const { port } = openWebOptions.parse(await bodyOf(context))
  return context.json(await hostOf(web).open(port))
}

export async function listWeb(context: Context, web: WebHost | undefined): Promise<Response> {
  return context.json(await hostOf(web).sessions())
}

export async function endWeb(context: Context, web: WebHost | undefined): Promise<Response> {
  const { id } = endWebOptions.parse(await bodyOf(context))
  await hostOf(web).end(id)
  return context.json({ ended: id })
}

function hostOf(web: WebHost | undefined): WebHost {
  if (web !== undefined) return web
  throw new ApiError('read-only', 'expected the socket of a controller, got a door that opens no page', {
    hint: 'Use `thymesh web`.',
  })
}
