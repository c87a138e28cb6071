/** What a browser calls itself, as people say it. */

const browsers = [
  ['Edg', 'Edge'],
  ['OPR', 'Opera'],
  ['Firefox', 'Firefox'],
  ['Chrome', 'Chromium'],
  ['Safari', 'Safari'],
] as const
const systems = ['Android', 'iPhone', 'iPad', 'Windows', 'Macintosh', 'CrOS', 'Linux'] as const

/** Its name with its version, and the system; a foreign one in its own first words. */
export function agentText(agent: string): [name: string, system: string] {
  const found = browsers.find(([word]) => agent.includes(`${word}/`))
  if (found === undefined) return [agent.slice(0, 40) || '?', '']
  const [, version = ''] = new RegExp(`${found[0]}/(\\d{1,5})`).exec(agent) ?? []
  const system = systems.find(each => agent.includes(each)) ?? ''
  return [`${found[1]} ${version}`.trim(), system === 'Macintosh' ? 'macOS' : system]
}
