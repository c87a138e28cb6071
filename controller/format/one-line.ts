/** A message of several lines in one, for tables and progress. */

/** The first line; where that announces what follows, with the last one, which mostly is the reason. */
export function inOneLine(message: string): string {
  const lines = message.split('\n').filter(line => line.trim() !== '')
  const [first = ''] = lines
  const last = lines.at(-1)
  return first.endsWith(':') && lines.length > 1 ? `${first} ${last?.trim()}` : first
}
