/** Gives an order and says so, with a link to its task. */

import type { Task } from '../../../api/schemas/task.ts'
import { order } from '../data/orders.svelte.ts'
import { toaster } from './toasts.svelte.ts'
import { shared } from './words.ts'

/**
 * For a dialog, which stays open until this has come back: nothing where the person has left the question for the passphrase,
 * so that what was typed is still there. `anew` asks for it in any case. Throws a RequestError, which the dialog says.
 */
export async function giveHere(path: string, body: object, what: string, anew = false): Promise<Task | undefined> {
  const task = await order(path, body, anew)
  if (task === undefined) return undefined
  const link = { href: `#/tasks/${task.id}`, text: shared().toTask }
  toaster.say({ tone: 'plain', text: shared().ordered(what), link })
  return task
}

/** For a button: a failure is said over the page. Nothing where it was not given. */
export async function give(path: string, body: object, what: string, anew = false): Promise<Task | undefined> {
  try {
    return await giveHere(path, body, what, anew)
  } catch (thrown) {
    toaster.fail(thrown)
    return undefined
  }
}
