/** An answer of the API that a view shows and that stays current: read again when events say that it may have changed. */

import { client, type Failure, failureOf } from './client.ts'
import { fleet } from './fleet.svelte.ts'
import { session } from './session.svelte.ts'

/** The kinds of events, as the API names them. */
export type Kind = 'device' | 'release' | 'proposal' | 'task' | 'peers' | 'project'

const leastMs = 1500

export interface Live<T> {
  readonly value: T | undefined
  /** Of the last reading; the value may be an older one. */
  readonly failure: Failure | undefined
  /** It is read now. */
  readonly reading: boolean
  /** Reads it again now. */
  again(): void
}

/** Called while a component begins. Without a path there is nothing to read. */
export function live<T>(path: () => string | undefined, kinds: readonly Kind[] = []): Live<T> {
  let value = $state.raw<T | undefined>(undefined)
  let failure = $state.raw<Failure | undefined>(undefined)
  let reading = $state(false)
  let read = () => {}

  $effect(() => {
    const from = path()
    value = undefined
    failure = undefined
    reading = false
    read = () => {}
    if (from === undefined) return
    const abort = new AbortController()
    let timer: ReturnType<typeof setTimeout> | undefined
    let busy = false
    let wanted = false
    const load = async () => {
      if (busy) {
        wanted = true
        return
      }
      busy = true
      reading = true
      try {
        value = await client.get<T>(from, abort.signal)
        failure = undefined
      } catch (thrown) {
        if (abort.signal.aborted) return
        failure = failureOf(thrown)
      }
      reading = false
      timer = setTimeout(() => {
        busy = false
        if (wanted) {
          wanted = false
          void load()
        }
      }, leastMs)
    }
    read = () => {
      // It is read a moment later then; whoever asked sees that it will be.
      reading = true
      void load()
    }
    read()
    const unlisten = fleet.listen(told => {
      if (told.has('reset') || kinds.some(kind => told.has(kind))) void load()
    })
    return () => {
      abort.abort()
      clearTimeout(timer)
      unlisten()
    }
  })

  // After a loss: what was read before it may be old.
  let was = session.link.state
  $effect(() => {
    const { state } = session.link
    // Before its first event nothing was lost; what no event tells of is asked for when somebody looks.
    if (state === 'live' && (was === 'lost' || (was !== 'live' && kinds.length > 0))) read()
    was = state
  })

  return {
    get value() {
      return value
    },
    get failure() {
      return failure
    },
    get reading() {
      return reading
    },
    again: () => read(),
  }
}
