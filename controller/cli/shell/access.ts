/** What a command asks and orders: of the controller of the fleet that runs already, else of one of its own. */

import type { Duplex } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'
import { ThymeshError } from '../../../protocol/errors.ts'
import { notUnderstood } from '../../api/api-error.ts'
import { type Absent, callRunning, upgradeRunning } from '../../api/client.ts'
import { maxOutputBytes } from '../../api/limits.ts'
import {
  endedOrder,
  type OrderName,
  type OrderOptions,
  type OrderResult,
  orders,
  recordOf,
  requireMayGive,
  workOf,
} from '../../api/orders.ts'
import type { Question } from '../../api/question.ts'
import { type QuestionAnswer, type QuestionName, type QuestionOptions, questions } from '../../api/questions.ts'
import { type Task, taskSchema } from '../../api/schemas/task.ts'
import { socketFile } from '../../api/socket.ts'
import { streamPath, streamUpgrade } from '../../api/upgrade.ts'
import type { Write } from '../../api/write.ts'
import { type WriteAnswer, type WriteName, type WriteOptions, writes } from '../../api/writes.ts'
import { FleetHome } from '../../fleet/fleet-home.ts'
import { passphrases } from '../../keys/passphrase.ts'
import type { Order } from '../../orders/order.ts'
import type { Project } from '../../project/project.ts'
import { openProject } from '../../project/project.ts'
import { openDeviceStream, type StreamOptions } from '../../session/device-streams.ts'
import { nobodyInReach } from '../../session/news.ts'
import { requireOperator } from '../../session/viewer.ts'
import { rootEnd, rootEndText } from '../../signing/root-end.ts'
import { type Attached, attachHere, attachThere, resultOf, workHere } from './attach.ts'
import { type Changes, changesHere, changesThere } from './changes.ts'
import { type OpenSession, openSession, takeNews } from './context.ts'
import { askAgainMs, reachSeconds, startingMs } from './limits.ts'
import type { ProjectOptions, ReadOptions } from './options.ts'
import { note, print } from './output.ts'
import { olderController, unanswered } from './running-errors.ts'

export class Access {
  readonly #home: FleetHome
  readonly #project: Project
  readonly #options: ProjectOptions
  #own: OpenSession | undefined
  #saidAlone = false

  constructor(project: Project, options: ProjectOptions) {
    this.#project = project
    this.#options = options
    this.#home = new FleetHome(project.fleet)
  }

  /** Asks; a controller of our own, if it takes one, has waited so long for news at first. */
  async ask<Name extends QuestionName>(
    name: Name,
    options: QuestionOptions<Name>,
    newsSeconds: number,
  ): Promise<QuestionAnswer<Name>> {
    const question = questions[name] as unknown as Question
    const there = async () => {
      const asked = await askAt(this.#socket, question, options, newsSeconds)
      if (typeof asked === 'object' && asked.alone) this.#sayAlone()
      return asked
    }
    const { session, reply, isNew } = await this.#reach(there)
    if (reply !== undefined) return reply.answer as QuestionAnswer<Name>
    if (isNew) await takeNews(session, this.#options, newsSeconds)
    return (await question.ask(session, options)) as QuestionAnswer<Name>
  }

  /**
   * Orders, and attaches to the task that does it: what it says goes to standard error. Throws the task's error. `undefined`
   * where the operator has left, and the task goes on.
   */
  async order<Name extends OrderName>(name: Name, given: OrderOptions<Name>): Promise<OrderResult<Name> | undefined> {
    const { options: schema, signs, path, result } = orders[name] as unknown as Order
    const options = schema.parse(given)
    // A POST is sent once: it is asked first who is there.
    const { own, reply } = await this.#reach(() => callRunning(this.#socket, { path: '/v1/controller' }))
    const attached =
      reply === undefined
        ? await this.#orderHere(own, name, options)
        : await this.#orderThere(path, options, signs(options))
    return attached === 'left' ? undefined : (result.parse(resultOf(attached)) as OrderResult<Name>)
  }

  /**
   * An order that needs no mesh: the controller of the fleet does it where one runs, so that it is among its tasks; else this
   * process does, which then starts no controller.
   */
  async orderAnywhere<Name extends OrderName>(
    name: Name,
    given: OrderOptions<Name>,
  ): Promise<OrderResult<Name> | undefined> {
    const { options: schema, loadHere, path, result } = orders[name] as unknown as Order
    const options = schema.parse(given)
    const there = this.#own === undefined && (await knowsRoute(this.#socket, path))
    const place = { home: this.#home, directory: this.#project.directory }
    const attached =
      there || loadHere === undefined
        ? await this.#orderThere(path, options, false)
        : await workHere(name, options, async talk => await (await loadHere())(place, options, talk), this.#options)
    return attached === 'left' ? undefined : (result.parse(resultOf(attached)) as OrderResult<Name>)
  }

  /** Whether the controller that would do an order knows it: one that runs already may be of an older version. */
  async takesOrder(name: OrderName): Promise<boolean> {
    if (this.#own !== undefined || (await knowsRoute(this.#socket, orders[name].path))) return true
    return typeof (await callRunning(this.#socket, { path: '/v1/controller' })) === 'string'
  }

  /** What is answered at once: by the controller that runs, else by one of our own. */
  async write<Name extends WriteName>(name: Name, options: WriteOptions<Name>): Promise<WriteAnswer<Name>> {
    const there = await this.writeIfRunning(name, options)
    if (there !== undefined) return there
    const { options: schema, load, shows } = writes[name] as unknown as Write
    const parsed = schema.parse(options)
    const { own, reply } = await this.#reach(() => callRunning(this.#socket, { path: '/v1/controller' }))
    if (reply !== undefined) return (await this.writeIfRunning(name, options)) as WriteAnswer<Name>
    if (!shows) requireOperator(own.session)
    return (await (
      await load()
    )(own.session, parsed)) as WriteAnswer<Name>
  }

  /** The same; nothing where no controller runs, or one that is older. */
  async writeIfRunning<Name extends WriteName>(
    name: Name,
    options: WriteOptions<Name>,
  ): Promise<WriteAnswer<Name> | undefined> {
    const { path, answer } = writes[name] as unknown as Write
    if (this.#own !== undefined || !(await knowsRoute(this.#socket, path))) return undefined
    const sealed = await this.#home.operatorKeys.sealed()
    const body = { ...options, ...(sealed && { passphrase: await passphrases.current() }) }
    const reply = await callRunning(this.#socket, { method: 'POST', path, body })
    if (typeof reply === 'string') throw unanswered()
    return answer.parse(reply.json) as WriteAnswer<Name>
  }

  /** Opens a session of SSH on a device, the bytes of SSH itself; without a user a stream for forwarding. Throws what the device refuses with. */
  async openStream(options: StreamOptions): Promise<Duplex> {
    const { device, user, screen = false, snapshots = false, wait = reachSeconds } = options
    const query = new URLSearchParams({ ...(user !== undefined && { user }), wait: String(wait) })
    const kind = snapshots ? 'snapshots' : screen ? 'screen' : user === undefined ? 'forward' : 'ssh'
    const path = `${streamPath(device, kind)}?${query}`
    const { session, reply } = await this.#reach(() => upgradeRunning(this.#socket, path, streamUpgrade))
    return reply ?? (await openDeviceStream(session, options))
  }

  /** All tasks, the newest first, as the API lists them. */
  async tasks(): Promise<unknown> {
    const { own, reply } = await this.#reach(() => callRunning(this.#socket, { path: '/v1/tasks' }))
    return reply?.json ?? { tasks: (await own?.api.load())?.tasks.all ?? [] }
  }

  /** Attaches to a task until it has ended. */
  async follow(id: string): Promise<Attached> {
    const { own, reply } = await this.#reach(() =>
      callRunning(this.#socket, { path: `/v1/tasks/${encodeURIComponent(id)}` }),
    )
    const options = { ...this.#options, details: true }
    if (reply !== undefined) return await attachThere(this.#socket, async () => id, options)
    const { tasks } = await own.api.load()
    const said = await tasks.output(id, 0, maxOutputBytes)
    if (said.length > 0) note(this.#options, said.toString().trimEnd())
    return tasks.get(id)
  }

  async cancel(id: string): Promise<Task> {
    const { own, reply } = await this.#reach(() => callRunning(this.#socket, { path: '/v1/controller' }))
    if (own !== undefined) return await (await own.api.load()).tasks.cancel(id)
    const path = `/v1/tasks/${encodeURIComponent(id)}/cancel`
    const cancelled = reply && (await callRunning(this.#socket, { method: 'POST', path, body: {} }))
    if (typeof cancelled !== 'object') throw unanswered()
    return taskSchema.parse(cancelled.json)
  }

  /** The order of an ended task once more; attaches to the new one. */
  async retry(id: string): Promise<Attached> {
    const { own, reply } = await this.#reach(() => callRunning(this.#socket, { path: '/v1/controller' }))
    if (reply !== undefined) {
      const path = `/v1/tasks/${encodeURIComponent(id)}/retry`
      return await this.#orderThere(path, {}, await this.#home.operatorKeys.sealed())
    }
    const { tasks } = await own.api.load()
    const before = endedOrder(tasks.get(id))
    const options = orders[before.kind].options.parse(before.options)
    requireMayGive(before.kind, options, own.session)
    const task = await tasks.start(
      before.kind,
      recordOf(before.kind, options),
      workOf(before.kind, options, own.session),
      id,
    )
    return await attachHere(tasks, task.id, this.#options)
  }

  /** Tells when anything has changed in the fleet, from now on; whoever asks before follows it. */
  async changes(signal: AbortSignal): Promise<Changes> {
    const { own, reply } = await this.#reach(() => callRunning(this.#socket, { path: '/v1/controller' }))
    return reply === undefined
      ? changesHere((await own.api.load()).events, signal)
      : await changesThere(this.#socket, signal)
  }

  get home(): FleetHome {
    return this.#home
  }

  async stop(): Promise<void> {
    await this.#own?.stop()
  }

  get #socket(): string {
    return socketFile(this.#home.stateDirectory)
  }

  async #orderHere(own: OpenSession, name: OrderName, options: Record<string, unknown>): Promise<Attached> {
    const { tasks } = await own.api.load()
    requireMayGive(name, options, own.session)
    const { accepted } = own.session.peer.state
    const end = accepted && rootEnd(accepted.trusted, new Date())
    if (end !== undefined) note(this.#options, rootEndText(end))
    const task = await tasks.start(name, recordOf(name, options), workOf(name, options, own.session))
    return await attachHere(tasks, task.id, this.#options)
  }

  async #orderThere(path: string, options: object, signs: boolean): Promise<Attached> {
    const asks = signs && (await this.#home.operatorKeys.sealed())
    const body = { ...options, ...(asks && { passphrase: await passphrases.current() }) }
    const begin = async () => {
      const reply = await callRunning(this.#socket, { method: 'POST', path, body })
      if (typeof reply === 'string') throw unanswered()
      const task = taskSchema.safeParse(reply.json).data
      if (task === undefined) throw notUnderstood()
      return task.id
    }
    return await attachThere(this.#socket, begin, this.#options)
  }

  /** The reply of the controller that runs already, else our own session, which begins with the first need. */
  async #reach<Reply>(ask: () => Promise<Reply | Absent>): Promise<Reached<Reply>> {
    let hangUps = 0
    for (const deadline = Date.now() + startingMs; ; await sleep(askAgainMs)) {
      if (this.#own !== undefined) return reachedOwn(this.#own, false)
      const reply = await ask()
      if (typeof reply !== 'string') return { reply } as Reached<Reply>
      if (reply === 'left') hangUps += 1
      try {
        this.#own = await openSession(this.#project, this.#options)
        return reachedOwn(this.#own, true)
      } catch (thrown) {
        if (!(thrown instanceof ThymeshError) || thrown.code !== 'in-use') throw thrown
        // One that ends hangs up once, and then listens no more.
        if (hangUps > 1) throw olderController(thrown)
        if (Date.now() >= deadline) throw thrown
      }
    }
  }

  #sayAlone(): void {
    if (!this.#saidAlone) note(this.#options, nobodyInReach)
    this.#saidAlone = true
  }
}

type Reached<Reply> =
  | { readonly reply: Reply; readonly own?: never; readonly session?: never; readonly isNew?: never }
  | {
      readonly reply?: never
      readonly own: OpenSession
      readonly session: OpenSession['session']
      readonly isNew: boolean
    }

function reachedOwn<Reply>(own: OpenSession, isNew: boolean): Reached<Reply> {
  return { own, session: own.session, isNew }
}

/** Whether a controller runs that takes this order: one of an older version knows less. */
async function knowsRoute(file: string, path: string): Promise<boolean> {
  const reply = await callRunning(file, { path: '/v1/openapi.json' }).catch(() => undefined)
  const paths = z
    .object({ paths: z.record(z.string(), z.unknown()) })
    .safeParse(typeof reply === 'object' && reply.json)
  return paths.success && Object.hasOwn(paths.data.paths, path)
}

/** The answer of the controller that runs already; nothing where none does. */
export async function askIfRunning<Name extends QuestionName>(
  project: Project,
  name: Name,
  options: QuestionOptions<Name>,
): Promise<QuestionAnswer<Name> | undefined> {
  const file = socketFile(new FleetHome(project.fleet).stateDirectory)
  const asked = await askAt(file, questions[name] as unknown as Question, options, 0)
  return typeof asked === 'object' ? (asked.answer as QuestionAnswer<Name>) : undefined
}

async function askAt(
  file: string,
  { path, answer }: Question,
  options: Record<string, unknown>,
  newsSeconds: number,
): Promise<{ answer: unknown; alone: boolean } | Absent> {
  const query = new URLSearchParams({ news: String(newsSeconds) })
  const inPath = path.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(String(options[name])))
  for (const [name, value] of Object.entries(options)) {
    if (value === undefined || path.includes(`{${name}}`)) continue
    for (const each of [value].flat()) query.append(name, String(each))
  }
  const called = await callRunning(file, { path: `${inPath}?${query}` })
  if (typeof called === 'string') return called
  const parsed = answer.safeParse(called.json)
  if (!parsed.success) throw notUnderstood()
  return { answer: parsed.data, alone: called.header('Thymesh-Alone') === 'true' }
}

/** Asks once, and prints the answer. */
export async function show<Name extends QuestionName>(
  name: Name,
  options: ReadOptions,
  about: QuestionOptions<Name>,
): Promise<undefined> {
  return await withAccess(options, async access => {
    const answer = await access.ask(name, about, options.wait)
    print(options, answer as object, await textOf(name, answer))
    return undefined
  })
}

/** An answer as a command prints it without `--json`. */
export async function textOf<Name extends QuestionName>(name: Name, answer: QuestionAnswer<Name>): Promise<string> {
  return await (questions[name] as unknown as Question).text(answer)
}

export async function withAccess<T>(options: ProjectOptions, work: (access: Access) => Promise<T>): Promise<T> {
  const access = new Access(await openProject(options.project), options)
  try {
    return await work(access)
  } finally {
    await access.stop()
  }
}
