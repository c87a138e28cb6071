/**
 * Text from documents, made harmless and honest for a terminal, a log or a page: the one way from what others wrote to what is
 * shown. A control character, a direction override or an invisible character is shown as its escape, so that it can neither
 * steer the terminal nor make one text look like another.
 */

/** Characters of one line of a field that are shown; the rest is counted. */
const shownCharacters = 2_000

/** Controls, formats (bidi overrides, zero-width), lone surrogates, unassigned characters; line and paragraph separators. */
const invisible = /[\p{C}\p{Zl}\p{Zp}]/gu
const invisibleInLines = /(?![\n\t])[\p{C}\p{Zl}\p{Zp}]/gu

/** One field in one line: a name, a message, a path. Longer than 2,000 characters, it is cut and says by how much. */
export function visible(text: string, most = shownCharacters): string {
  return cut(text, most).replace(invisible, escaped)
}

/** A text of several lines, such as a whole answer of a command: lines stay lines, and tabs stay tabs. */
export function visibleLines(text: string): string {
  return text.replace(invisibleInLines, escaped)
}

/**
 * The data of an answer with every text in it made visible, names of fields too. A line break in a field is kept with an indent
 * behind it: no field can begin a line of the answer.
 */
export function visibleFields<Data>(data: Data): Data {
  if (typeof data === 'string') return fieldLines(data) as Data
  if (Array.isArray(data)) return data.map(visibleFields) as Data
  // Bytes and CIDs are objects of classes, and have no text of others.
  if (data === null || typeof data !== 'object' || Object.getPrototypeOf(data) !== Object.prototype) return data
  return Object.fromEntries(Object.entries(data).map(([name, value]) => [visible(name), visibleFields(value)])) as Data
}

/** One JSON value in one line, which a program reads as it is, and which steers no terminal. */
export function visibleJson(value: unknown): string {
  return jsonEscaped(JSON.stringify(value))
}

/** The same for a line of JSON that is written already, such as one of a log; its line break stays. */
export function jsonEscaped(line: string): string {
  // JSON has such characters in strings only, where the escape is the same character.
  return line.replace(invisibleInLines, characters =>
    Array.from({ length: characters.length }, (_, at) => `\\u${hex(characters.charCodeAt(at), 4)}`).join(''),
  )
}

function fieldLines(text: string): string {
  const lines = text.trimEnd().split('\n')
  return lines.map(line => visibleLines(cut(line, shownCharacters))).join('\n    ')
}

function cut(text: string, most: number): string {
  return text.length > most ? `${text.slice(0, most)}… (${text.length - most} more characters)` : text
}

function escaped(character: string): string {
  if (character === '\n') return '\\n'
  if (character === '\t') return '\\t'
  const code = character.codePointAt(0) ?? 0
  return code < 0x100 ? `\\x${hex(code, 2)}` : code < 0x10000 ? `\\u${hex(code, 4)}` : `\\u{${hex(code, 1)}}`
}

function hex(code: number, digits: number): string {
  return code.toString(16).padStart(digits, '0')
}
