/** What a task says, from its beginning on and while it goes on. */

import { client } from './client.ts'
import { fleet } from './fleet.svelte.ts'

/** More is cut at its beginning: the page shows the end of a long build. */
const keptCharacters = 1_000_000

export function followOutput(id: () => string): { readonly text: string } {
  let text = $state('')

  $effect(() => {
    const of = id()
    let from = 0
    let busy = false
    let ended = false
    text = ''
    const read = async () => {
      const { outputBytes } = fleet.tasks.find(task => task.id === of) ?? { outputBytes: Number.POSITIVE_INFINITY }
      if (busy || ended || outputBytes <= from) return
      busy = true
      try {
        const part = await client.output(of, from)
        from = part.next
        if (!ended) text = (text + part.text).slice(-keptCharacters)
        busy = false
        if (part.text !== '') void read()
      } catch {
        busy = false
      }
    }
    void read()
    const unlisten = fleet.listen(kinds => {
      if (kinds.has('task') || kinds.has('reset')) void read()
    })
    return () => {
      ended = true
      unlisten()
    }
  })

  return {
    get text() {
      return text
    },
  }
}
