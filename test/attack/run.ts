/** Runs attacks one by one or side by side, each in an arena of its own, and says what became of each. */

import { messageOf } from '../../protocol/errors.ts'
import { Arena, type Ending } from './arena.ts'
import type { Attack } from './attack.ts'

/** How long one attack may take on a busy machine. */
export const attackLimitMs = 600_000

export interface Outcome {
  readonly attack: Attack
  readonly held: boolean
  /** Why it wasn't held. */
  readonly reason?: string
  readonly milliseconds: number
}

/** Runs one; never rejects. */
export async function runAttack(attack: Attack): Promise<Outcome> {
  const began = performance.now()
  const undo: (() => Promise<void>)[] = []
  const ending: Ending = { after: step => undo.push(step) }
  const since = () => Math.round(performance.now() - began)
  try {
    await within(attackLimitMs, async () => attack.run(await Arena.of(ending)))
    return { attack, held: true, milliseconds: since() }
  } catch (thrown) {
    return { attack, held: false, reason: messageOf(thrown), milliseconds: since() }
  } finally {
    for (const step of undo.reverse()) await step().catch(() => {})
  }
}

/** Runs many: those that may run beside others first, `width` at a time. Resolves in the order given. */
export async function runAttacks(
  attacks: readonly Attack[],
  width: number,
  onOutcome: (outcome: Outcome) => void,
): Promise<Outcome[]> {
  const outcomes = new Map<string, Outcome>()
  const run = async (attack: Attack) => {
    const outcome = await runAttack(attack)
    outcomes.set(attack.id, outcome)
    onOutcome(outcome)
  }
  const queue = attacks.filter(({ alone }) => alone !== true)
  const worker = async () => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) await run(next)
  }
  await Promise.all(Array.from({ length: width }, worker))
  for (const attack of attacks.filter(({ alone }) => alone === true)) await run(attack)
  return attacks.flatMap(({ id }) => outcomes.get(id) ?? [])
}

async function within(milliseconds: number, work: () => Promise<void>): Promise<void> {
  const late = Promise.withResolvers<never>()
  const timer = setTimeout(() => late.reject(new Error(`expected an end within ${milliseconds} ms`)), milliseconds)
  try {
    await Promise.race([work(), late.promise])
  } finally {
    clearTimeout(timer)
  }
}
