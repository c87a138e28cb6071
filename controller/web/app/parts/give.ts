/** Gives an order and says so, with a link to its task; a failure is said too. */

import type { Task } from '../../../api/schemas/task.ts'
import { order } from '../data/orders.svelte.ts'
import { toaster } from './toasts.svelte.ts'
import { shared } from './words.ts'

/** Nothing where it was not given. `anew` asks for the passphrase in any case. */
export async function give(path: string, body: object, what: string, anew = false): Promise<Task | undefined> {
  try {
    const task = await order(path, body, anew)
    if (task === undefined) return undefined
    const link = { href: `#/tasks/${task.id}`, text: shared().toTask }
    toaster.say({ tone: 'plain', text: shared().ordered(what), link })
    return task
  } catch (thrown) {
    toaster.fail(thrown)
    return undefined
  }
}
