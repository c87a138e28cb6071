/** The palette of commands: whether it is open, and how well a text fits what was typed. */

let open = $state(false)

export const palette = {
  get open() {
    return open
  },
  show(): void {
    open = true
  },
  close(): void {
    open = false
  },
}

/** Higher is better; 0 does not fit. Each typed word has to be found: at the beginning of a word, within, or as letters in order. */
export function fitOf(text: string, typed: string): number {
  const low = text.toLowerCase()
  let total = 1
  for (const word of typed.toLowerCase().split(/\s+/)) {
    if (word === '') continue
    const at = low.indexOf(word)
    const begins = at === 0 || (at > 0 && /[\s\-_./:]/.test(low[at - 1] ?? ''))
    if (at >= 0) total += (begins ? 100 : 50) - Math.min(40, low.length - word.length)
    else if (inOrder(low, word)) total += 5
    else return 0
  }
  return total
}

function inOrder(text: string, letters: string): boolean {
  let from = 0
  for (const letter of letters) {
    from = text.indexOf(letter, from) + 1
    if (from === 0) return false
  }
  return true
}
