/** Byte order marks and line endings of other systems: kernels, shells and parsers fail on them, and no editor shows them. */

import { isUtf8 } from 'node:buffer'

/** The file's first bytes, in which all of it shows. */
export const foreignTextBytes = 512

const noBom = 'save it as UTF-8 without a byte order mark'

/** The foreign parts of a text or of its beginning, in words; nothing when it has none. */
export function foreignText(bytes: Uint8Array): string | undefined {
  const [first, second] = bytes
  if ((first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff)) {
    return `is UTF-16 text: ${noBom}`
  }
  const text = Buffer.from(bytes).toString('latin1')
  const hasMark = text.startsWith('\u00ef\u00bb\u00bf')
  const isScript = text.startsWith('#!', hasMark ? 3 : 0)
  if (hasMark && isScript) return `is a script that begins with a byte order mark, so that no system runs it: ${noBom}`
  if (isScript && /^[^\n]*\r\n/.test(text)) {
    return 'is a script with lines that end in CR LF, so that no system finds its interpreter: save it with lines that end in LF'
  }
  return undefined
}

/** The same of a JSON or Nix file, which must not begin with a mark whatever it is. */
export function foreignMark(text: string): string | undefined {
  if (text.startsWith('\ufeff')) return `begins with a byte order mark: ${noBom}`
  return text.startsWith('\ufffd\ufffd') || text.startsWith('{\0') ? `is UTF-16 text: ${noBom}` : undefined
}

/** Bytes that are no UTF-8, as older systems write umlauts: the line of the first, from 1; nothing where there are none. */
export function foreignBytes(bytes: Uint8Array): { line: number; words: string } | undefined {
  if (isUtf8(bytes)) return undefined
  const lines = Buffer.from(bytes).toString('latin1').split('\n')
  const at = lines.findIndex(line => !isUtf8(Buffer.from(line, 'latin1')))
  return { line: at + 1, words: 'has bytes that are no UTF-8: save it as UTF-8' }
}

/** Characters that word processors and web pages put in place of a blank, a quote or a dash, or that nobody sees. */
const foreignCharacters: Readonly<Record<string, string>> = {
  '\u00a0': 'a no-break space',
  '\u00ad': 'a soft hyphen',
  '\u200b': 'a zero-width space',
  '\u200c': 'a zero-width non-joiner',
  '\u200d': 'a zero-width joiner',
  '\u2013': 'an en dash',
  '\u2018': 'a typographic quote',
  '\u2019': 'a typographic quote',
  '\u201c': 'a typographic quote',
  '\u201d': 'a typographic quote',
  '\u2028': 'a line separator',
  '\u202f': 'a narrow no-break space',
  '\u2060': 'a word joiner',
  '\ufeff': 'a byte order mark',
}

/** The first of these in a line that a parser refused: in words, with its column, from 1. */
export function foreignCharacter(line: string): { column: number; words: string } | undefined {
  const at = [...line].findIndex(character => Object.hasOwn(foreignCharacters, character))
  const found = [...line][at]
  if (found === undefined) return undefined
  const code = found.codePointAt(0)?.toString(16).toUpperCase().padStart(4, '0')
  return { column: at + 1, words: `${foreignCharacters[found]} (U+${code})` }
}
