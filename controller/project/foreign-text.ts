/** Byte order marks and line endings of other systems: kernels, shells and parsers fail on them, and no editor shows them. */

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
