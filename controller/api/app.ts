/** The local API: one route for each question, its errors, and what is the same for all routes. */

import { setTimeout as sleep } from 'node:timers/promises'
import { type Context, Hono } from 'hono'
import type { ContentfulStatusCode } from 'hono/utils/http-status'
import { errorJson } from '../format/error-json.ts'
import type { Session } from '../session/session.ts'
import type { Tasks } from '../tasks/tasks.ts'
import { ApiError, statusOf } from './api-error.ts'
import type { EventLog } from './event-log.ts'
import { eventStream } from './event-stream.ts'
import { type Door, guard } from './guard.ts'
import { maxNewsSeconds } from './limits.ts'
import { openApi } from './openapi.ts'
import { type OrderName, orders } from './orders.ts'
import { fleetPage, scrape, targets } from './prometheus-routes.ts'
import type { Question } from './question.ts'
import { questions } from './questions.ts'
import { optionsOf, requestError } from './request.ts'
import {
  cancelTask,
  followTask,
  giveOrder,
  listTasks,
  readOnly,
  retryTask,
  showTask,
  taskOutput,
} from './task-routes.ts'
import { endWeb, listWeb, openWeb, type WebHost } from './web-routes.ts'
import { wholeBody } from './whole-body.ts'
import type { Write } from './write.ts'
import { writeNow } from './write-routes.ts'
import { writes } from './writes.ts'

export interface ApiInit {
  readonly session: Session
  /** Which process answers. */
  readonly controller: { readonly pid: number; readonly command: string; readonly project: string }
  readonly events: EventLog
  readonly tasks: Tasks
  readonly door: Door
  /** What serves the page; missing where none can be. */
  readonly web?: WebHost
}

export function makeApi(init: ApiInit): Hono {
  const { session, events } = init
  const app = new Hono()
  app.use(guard(init.door))
  const allowed = new Map<string, string[]>()
  const route = (
    method: 'GET' | 'POST',
    path: string,
    answer: (context: Context) => Promise<Response> | Response,
    shows = false,
  ) => {
    const place = path.replace(/\{(\w+)\}/g, ':$1')
    allowed.set(place, [...(allowed.get(place) ?? []), method])
    const forbidden = method === 'POST' && init.door.kind === 'loopback'
    app.on(method, place, context => {
      if (forbidden) throw readOnly()
      if (method === 'POST' && init.door.kind === 'page' && !shows) {
        init.door.requireUnlocked(context.req.header('authorization'))
      }
      return answer(context)
    })
  }
  route('GET', '/v1/controller', context => context.json({ ...init.controller, fleet: session.peer.fleet }))
  route('GET', '/v1/openapi.json', context => context.json(openApi()))
  route('GET', '/v1/events', context => eventStream(context, events))
  route('GET', '/v1/metrics', context => fleetPage(context, init))
  route('GET', '/v1/sd', context => targets(context, init))
  route('GET', '/v1/scrape/{device}/{port}', context => scrape(context, init))
  for (const each of Object.values(questions)) {
    route('GET', each.path, context => answer(context, each as unknown as Question, session, events))
  }
  for (const [name, { path }] of Object.entries(orders)) {
    route('POST', path, context => giveOrder(context, name as OrderName, init))
  }
  for (const [name, each] of Object.entries(writes)) {
    const { shows = false }: { shows?: boolean } = each
    route('POST', each.path, context => writeNow(context, name, each as unknown as Write, init), shows)
  }
  route('GET', '/v1/tasks', context => listTasks(context, init))
  route('GET', '/v1/tasks/{id}', context => showTask(context, init))
  route('GET', '/v1/tasks/{id}/output', context => taskOutput(context, init))
  route('GET', '/v1/tasks/{id}/follow', context => followTask(context, init))
  route('POST', '/v1/tasks/{id}/cancel', context => cancelTask(context, init))
  route('POST', '/v1/tasks/{id}/retry', context => retryTask(context, init))
  // A page opens no other page, and lists browsers by its own routes.
  if (init.door.kind === 'socket') {
    route('POST', '/v1/web/open', context => openWeb(context, init.web))
    route('GET', '/v1/web/sessions', context => listWeb(context, init.web))
    route('POST', '/v1/web/end', context => endWeb(context, init.web))
  }
  for (const [place, methods] of allowed) app.all(place, context => wrongMethod(context, methods))
  app.notFound(context => {
    throw new ApiError('unknown-route', `expected a route of the API, got ${context.req.method} ${context.req.path}`, {
      hint: '`thymesh api schema` prints all routes.',
    })
  })
  app.onError((thrown, context) => {
    const error = requestError(thrown)
    return context.json({ error }, statusOf(error) as ContentfulStatusCode)
  })
  return app
}

function wrongMethod(context: Context, methods: readonly string[]): Response {
  const allow = methods.join(', ')
  const error = new ApiError('wrong-method', `expected ${allow} for ${context.req.path}, got ${context.req.method}`, {
    hint: 'See `thymesh api schema`.',
  })
  return context.json({ error: errorJson(error) }, 405, { Allow: allow })
}

/** `news` is for all questions: how many seconds to wait for a first peer, where none is connected. */
async function answer(context: Context, question: Question, session: Session, events: EventLog): Promise<Response> {
  const { news = '0', ...options } = optionsOf(context, question.options)
  // Read before the answer: what comes meanwhile is told twice rather than not at all.
  const last = events.last
  const parsed = question.options.parse(options)
  await untilAPeer(session, newsSeconds(news), context.req.raw.signal)
  const json = await question.ask(session, parsed)
  const bytes = question.json?.(json)
  return context.body(bytes === undefined ? JSON.stringify(json) : wholeBody(bytes), 200, {
    'Content-Type': 'application/json',
    'Thymesh-Last-Event': last,
    'Thymesh-Alone': String(session.peer.neighbours.members.length === 0),
  })
}

function newsSeconds(news: unknown): number {
  const value = Number(news)
  if (typeof news === 'string' && value >= 0 && value <= maxNewsSeconds) return value
  throw new ApiError('not-understood', `news: expected seconds, 0 to ${maxNewsSeconds}, got ${news}`, {
    hint: 'Leave it out, to wait for nobody.',
  })
}

async function untilAPeer({ peer }: Session, seconds: number, signal: AbortSignal): Promise<void> {
  const deadline = Date.now() + seconds * 1000
  while (peer.neighbours.members.length === 0 && Date.now() < deadline && !signal.aborted) await sleep(50)
}
