/** Routes of tasks: their records, their output from any byte on, following one, cancelling and trying again. */

import type { Context } from 'hono'
import { z } from 'zod'
import type { Session } from '../session/session.ts'
import { TaskError, type Tasks } from '../tasks/tasks.ts'
import { ApiError } from './api-error.ts'
import { maxOutputBytes } from './limits.ts'
import { isOrder, orders, passphraseSchema, workOf } from './orders.ts'
import { page, pageOptions } from './page.ts'
import { bodyOf, optionsOf } from './request.ts'
import type { Task } from './schemas/task.ts'
import { streamOf } from './stream.ts'

type Components = { readonly tasks: Tasks; readonly session: Session }

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
  const task = await parts.tasks.start(name, options, workOf(name, options, parts.session, { passphrase }))
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

/** Output and record as they change, as server-sent events, until the task ends. */
export async function followTask(context: Context, { tasks }: Components): Promise<Response> {
  const { id, from } = outputOptions.parse(optionsOf(context, outputOptions))
  const frame = (event: string, data: unknown) => `event: ${event}\ndata: ${JSON.stringify(data)}\n\n`
  return streamOf(context, (send, end) => {
    let sent = from
    const told = (task: Task) => {
      send(frame('task', task))
      if (task.state !== 'running') end()
    }
    const onChanged = (task: Task) => {
      if (task.id === id && caughtUp) told(task)
    }
    const onOutput = (of: string, at: number, text: string) => {
      if (of !== id || !caughtUp || at < sent) return
      sent = at + Buffer.byteLength(text)
      send(frame('output', { from: at, text }))
    }
    let caughtUp = false
    const catchUp = async () => {
      while (sent < tasks.get(id).outputBytes) {
        const read = await tasks.output(id, sent, maxOutputBytes / 8)
        // Whole lines, so that no character is cut; output ends with one.
        const bytes = read.subarray(0, read.lastIndexOf(0x0a) + 1)
        if (bytes.length === 0) break
        send(frame('output', { from: sent, text: bytes.toString() }))
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
export async function retryTask(context: Context, { tasks, session }: Components): Promise<Response> {
  const from = retryOptions.parse(await bodyOf(context))
  const before = tasks.get(taskOptions.parse(optionsOf(context, taskOptions)).id)
  if (before.state === 'running' || !isOrder(before.kind)) {
    throw new TaskError('task-ended', `expected a task that has ended, got one that is ${before.state}`, {
      hint: 'Cancel it first.',
    })
  }
  const options = orders[before.kind].options.parse(before.options)
  const task = await tasks.start(before.kind, options, workOf(before.kind, options, session, from), before.id)
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
