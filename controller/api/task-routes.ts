/** Routes of tasks: their records, their output from any byte on, following one, cancelling and trying again. */

import type { Context } from 'hono'
import { z } from 'zod'
import type { Session } from '../session/session.ts'
import type { OutputPart } from '../tasks/task-output.ts'
import type { Tasks } from '../tasks/tasks.ts'
import { ApiError } from './api-error.ts'
import { type Door, passphraseOf } from './guard.ts'
import { maxOutputBytes } from './limits.ts'
import { endedOrder, orders, passphraseSchema, recordOf, requireMayGive, workOf } from './orders.ts'
import { outputFrame, partFrame } from './output-frame.ts'
import { page, pageOptions } from './page.ts'
import { bodyOf, optionsOf } from './request.ts'
import type { Task } from './schemas/task.ts'
import { streamOf } from './stream.ts'

type Components = { readonly tasks: Tasks; readonly session: Session; readonly door: Door }

/** Options of the routes of tasks, in path, query and body. */
export const tasksOptions = z.strictObject(pageOptions)
export const taskOptions = z.strictObject({ id: z.string().max(40) })
export const outputOptions = taskOptions.extend({ from: z.int().min(0).default(0) })
export const retryOptions = z.strictObject({ passphrase: passphraseSchema })
export const nothing = z.strictObject({})

/** Begins an order's task; what it comes to is in the task. */
export async function giveOrder(context: Context, name: keyof typeof orders, parts: Components): Promise<Response> {
  const { passphrase, ...given } = z.looseObject({ passphrase: passphraseSchema }).parse(await bodyOf(context))
  const options = orders[name].options.parse(given)
  requireMayGive(name, options, parts.session)
  const from = { passphrase: await passphraseOf(context, parts.door, name, options, passphrase) }
  const task = await parts.tasks.start(name, recordOf(name, options), workOf(name, options, parts.session, from))
  return accepted(context, task)
}

export function listTasks(context: Context, { tasks }: Components): Response {
  const options = tasksOptions.parse(optionsOf(context, tasksOptions))
  const { rows, ...rest } = page(tasks.all, ({ id }) => id, options)
  return context.json({ tasks: rows, ...rest })
}

export function showTask(context: Context, { tasks }: Components): Response {
  return context.json(tasks.get(taskOptions.parse(optionsOf(context, taskOptions)).id))
}

/** Output as it is, from a byte on. `Thymesh-Next` is the byte to continue at. */
export async function taskOutput(context: Context, { tasks }: Components): Promise<Response> {
  const { id, from } = outputOptions.parse(optionsOf(context, outputOptions))
  const bytes = await tasks.output(id, from, maxOutputBytes)
  return context.body(new Uint8Array(bytes), 200, {
    'Content-Type': 'text/plain; charset=utf-8',
    'Thymesh-Next': String(from + bytes.length),
  })
}

function frame(event: string, data: unknown): string {
  return `event: ${event}\ndata: ${JSON.stringify(data)}\n\n`
}

/** Output and record as they change, as server-sent events, until the task ends. */
export async function followTask(context: Context, { tasks }: Components): Promise<Response> {
  const { id, from } = outputOptions.parse(optionsOf(context, outputOptions))
  return streamOf(context, (send, end) => {
    let sent = from
    const told = (task: Task) => {
      send(frame('task', task))
      if (task.state !== 'running') end()
    }
    const onChanged = (task: Task) => {
      if (task.id === id && caughtUp) told(task)
    }
    const onOutput = (part: OutputPart) => {
      const end = part.from + part.bytes.length
      if (part.id !== id || !caughtUp || end <= sent) return
      // The listener may continue in the middle of it.
      if (part.from >= sent) send(partFrame(part))
      else send(outputFrame(sent, part.bytes.subarray(sent - part.from)))
      sent = end
    }
    let caughtUp = false
    const catchUp = async () => {
      while (sent < tasks.get(id).outputBytes) {
        const read = await tasks.output(id, sent, maxOutputBytes / 8)
        // Whole lines, so that no character is cut; output ends with one.
        const bytes = read.subarray(0, read.lastIndexOf(0x0a) + 1)
        if (bytes.length === 0) break
        send(outputFrame(sent, bytes))
        sent += bytes.length
      }
      caughtUp = true
      told(tasks.get(id))
    }
    tasks.get(id)
    tasks.on('output', onOutput)
    tasks.on('changed', onChanged)
    void catchUp().catch(end)
    return () => {
      tasks.off('output', onOutput)
      tasks.off('changed', onChanged)
    }
  })
}

export async function cancelTask(context: Context, { tasks }: Components): Promise<Response> {
  nothing.parse(await bodyOf(context))
  return context.json(await tasks.cancel(taskOptions.parse(optionsOf(context, taskOptions)).id))
}

/** The same order once more, as a new task. */
export async function retryTask(context: Context, { tasks, session, door }: Components): Promise<Response> {
  const given = retryOptions.parse(await bodyOf(context))
  const before = endedOrder(tasks.get(taskOptions.parse(optionsOf(context, taskOptions)).id))
  const options = orders[before.kind].options.parse(before.options)
  requireMayGive(before.kind, options, session)
  const from = { passphrase: await passphraseOf(context, door, before.kind, options, given.passphrase) }
  const task = await tasks.start(
    before.kind,
    recordOf(before.kind, options),
    workOf(before.kind, options, session, from),
    before.id,
  )
  return accepted(context, task)
}

function accepted(context: Context, task: Task): Response {
  return context.json(task, 202, { Location: `/v1/tasks/${task.id}` })
}

/** On loopback nothing is written: there is no key in reach of a page. */
export function readOnly(): ApiError {
  return new ApiError('read-only', 'expected a read, got an order: on loopback the API only reads', {
    hint: 'Use the Unix socket, or the `thymesh` command.',
  })
}
