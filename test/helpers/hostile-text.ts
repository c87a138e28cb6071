/** Texts that steer a terminal, break a line or pass for another text; and every place of a text in some data. */

/** Each is made of what is shown, so that a test finds it, and of what must not reach a terminal. */
export const hostileTexts: Readonly<Record<string, string>> = {
  'clear screen': 'a\x1b[2J\x1b[Hb',
  clipboard: 'a\x1b]52;c;Y3VybCBldmls\x07b',
  'window title': 'a\x1b]0;root@fleet\x1b\\b',
  'C1 controls': 'a\x9b2J\x9d52;c;Zm9v\x9cb',
  'carriage return and backspace': 'all is well\rfailed\b\b\b',
  'direction override': 'a\u202egnp.exe\u2066b\u2069',
  'zero-width': 'kiosk\u200b-1\ufeff\u00ad',
  'tag characters': 'a\u{e0041}\u{e007f}b',
  'line breaks': 'a\nALARM: this line is forged\r\nNo devices yet.\u2028b\u0085c',
  'ten kilobytes': 'x'.repeat(10_000),
}

/** What may be written to a terminal: printable characters, line breaks and tabs. */
const steering = /(?![\n\t])[\p{C}\p{Zl}\p{Zp}]/u

/** Whether a text that was written holds anything that could steer a terminal. */
export function steers(written: string): boolean {
  return steering.test(written)
}

/** The data with one text in it replaced, once for each text; `place` says which. Names of records count as texts too. */
export function* withEachText(data: unknown, text: string, place = ''): Generator<{ place: string; data: unknown }> {
  if (typeof data === 'string') yield { place, data: text }
  else if (Array.isArray(data)) {
    if (data.length === 0) throw new Error(`expected at least one item at ${place}, got an empty list`)
    for (const [at, item] of data.entries()) {
      for (const each of withEachText(item, text, `${place}[${at}]`)) yield { ...each, data: data.with(at, each.data) }
    }
  } else if (data !== null && typeof data === 'object' && Object.getPrototypeOf(data) === Object.prototype) {
    for (const [name, value] of Object.entries(data)) {
      for (const each of withEachText(value, text, `${place}.${name}`))
        yield { ...each, data: { ...data, [name]: each.data } }
    }
  }
}
