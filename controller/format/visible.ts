/**
 * Text from documents, made harmless and honest for a terminal, a log or a page: the one way from what others wrote to what is
 * shown. A control character, a direction override or an invisible character is shown as its escape, so that it can neither
 * steer the terminal nor make one text look like another.
 */

/** Characters of one field that are shown; the rest is counted. */
const shownCharacters = 2_000

/** Controls, formats (bidi overrides, zero-width), lone surrogates, unassigned characters; line and paragraph separators. */
const invisible = /[\p{C}\p{Zl}\p{Zp}]/gu
const invisibleInLines = /(?![\n\t])[\p{C}\p{Zl}\p{Zp}]/gu

/** One field in one line: a name, a message, a path. Longer than 2,000 characters, it is cut and says by how much. */
export function visible(text: string, most = shownCharacters): string {
  const cut = text.length > most ? `${text.slice(0, most)}… (${text.length - most} more characters)` : text
  return cut.replace(invisible, escaped)
}

/** A text of several lines, such as a log: line breaks and tabs stay. */
export function visibleLines(text: string): string {
  return text.replace(invisibleInLines, escaped)
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
