/** Orders of the page: given when the keys are open, and followed as tasks; so is what is written at once. */

import type { Task } from '../../../api/schemas/task.ts'
import { client } from './client.ts'
import { fleet } from './fleet.svelte.ts'
import { type Answer, insist } from './insist.ts'
import { session } from './session.svelte.ts'

interface Asking {
  /** Why the keys are asked for once more, although they are open. */
  readonly anew: boolean
  readonly settle: (passphrase: Answer) => void
}

let asking = $state.raw<Asking | undefined>(undefined)

export const unlocking = {
  /** What the dialog for the passphrase answers, while it is open. */
  get asking() {
    return asking
  },
  /** Opens the dialog; resolves to whether the keys are open now. */
  async ask(): Promise<boolean> {
    return (await passphrase(false)) !== false
  },
}

function passphrase(anew: boolean): Promise<Answer> {
  const { promise, resolve } = Promise.withResolvers<Answer>()
  asking?.settle(false)
  asking = {
    anew,
    settle: given => {
      asking = undefined
      resolve(given)
    },
  }
  return promise
}

/**
 * Gives an order, or writes something, once the keys are unlocked; `anew` asks for the passphrase in any case. Gives the task,
 * or what the route answers. Nothing where the person has left the dialog. Throws a RequestError.
 */
export async function order<T = Task>(path: string, body: object, anew = false): Promise<T | undefined> {
  let given: string | undefined
  if (session.unlockedUntil === undefined) {
    const typed = await passphrase(false)
    if (typed === false) return undefined
    // It was typed for this order: nobody is asked twice.
    if (anew) given = typed
  }
  if (anew && session.about?.sealed && given === undefined) {
    const typed = await passphrase(true)
    if (typed === false) return undefined
    given = typed
  }
  const send = (typed: string | undefined) =>
    client.post<T>(path, { ...body, ...(typed !== undefined && { passphrase: typed }) })
  const answer = await insist(send, { unlock: () => passphrase(false), anew: () => passphrase(true) }, given)
  if (answer !== undefined) void session.refresh().catch(() => {})
  return answer
}

/** The newest record of a task that was ordered here. */
export function taskOf(id: string | undefined): Task | undefined {
  return fleet.tasks.find(task => task.id === id)
}
