/**
 * What a terminal may be shown of another terminal's output: text, colours, and moves on the screen. Titles, the clipboard,
 * questions to the terminal, and everything unknown are left out (ECMA-48; xterm's control sequences).
 */

/** Final bytes of CSI sequences that only move, erase, scroll or colour. */
const harmlessFinals = new Set('@ABCDEFGHIJKLMPSTXZ`adefmrsu')
/** Private modes: cursor keys, wrapping, the cursor, and the alternate screen. */
const harmlessModes = new Set(['1', '7', '12', '25', '47', '1047', '1048', '1049'])
/** Of a sequence that is not complete yet. */
const longest = 4096

export class HarmlessTerminal {
  #rest = ''

  /** What may be shown of the next part. */
  add(text: string): string {
    const all = this.#rest + text
    this.#rest = ''
    let shown = ''
    for (let at = 0; at < all.length; ) {
      const char = all[at] ?? ''
      if (char !== '\x1b') {
        if (isShown(char)) shown += char
        at++
        continue
      }
      const found = sequenceAt(all, at)
      if (found === undefined) {
        // Incomplete: what is longer than any sequence is dropped.
        if (all.length - at <= longest) this.#rest = all.slice(at)
        return shown
      }
      if (found.harmless) shown += all.slice(at, found.end)
      at = found.end
    }
    return shown
  }
}

function isShown(char: string): boolean {
  const code = char.charCodeAt(0)
  if (code < 0x20) return '\n\r\t\b'.includes(char)
  return code < 0x7f || code > 0x9f
}

/** The escape sequence at this place; undefined if it is not complete. */
function sequenceAt(text: string, at: number): { end: number; harmless: boolean } | undefined {
  const kind = text[at + 1]
  if (kind === undefined) return undefined
  if (kind === '[') return csiAt(text, at)
  // OSC, DCS, SOS, PM, APC: up to ST or BEL; CAN, SUB and other escapes break it off.
  if (']PX^_'.includes(kind)) {
    for (let end = at + 2; end < text.length; end++) {
      const char = text[end] ?? ''
      if (char === '\x1b') {
        if (text[end + 1] === undefined) return undefined
        return { end: text[end + 1] === '\\' ? end + 2 : end, harmless: false }
      }
      if ('\x07\x18\x1a\x9c'.includes(char)) return { end: end + 1, harmless: false }
    }
    return undefined
  }
  // Character sets take a byte more.
  if ('()*+'.includes(kind))
    return text.length < at + 3 ? undefined : { end: at + 3, harmless: /[0AB]/.test(text[at + 2] ?? '') }
  return { end: at + 2, harmless: '78MDE'.includes(kind) }
}

function csiAt(text: string, at: number): { end: number; harmless: boolean } | undefined {
  const sequence = /([0-?]*)([ -/]*)([@-~])/y
  sequence.lastIndex = at + 2
  const found = sequence.exec(text)
  if (found === null) {
    // Broken off by a byte that no sequence has: only its introducer is dropped.
    const begun = /[0-?]*[ -/]*$/y
    begun.lastIndex = at + 2
    return begun.test(text) ? undefined : { end: at + 2, harmless: false }
  }
  const [whole, parameters = '', between, final = ''] = found
  return { end: at + 2 + whole.length, harmless: between === '' && isHarmless(parameters, final) }
}

function isHarmless(parameters: string, final: string): boolean {
  if (final === 'h' || final === 'l') {
    return (
      parameters.startsWith('?') &&
      parameters
        .slice(1)
        .split(';')
        .every(mode => harmlessModes.has(mode))
    )
  }
  return /^[0-9;:]*$/.test(parameters) && harmlessFinals.has(final)
}
