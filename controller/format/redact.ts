/** Leaves secrets and addresses out of a text that is to be shown to strangers. The same address has the same number. */

import { isIPv4, isIPv6 } from 'node:net'

export interface Redacted {
  readonly text: string
  /** How many different ones were left out. */
  readonly leftOut: { readonly addresses: number; readonly secrets: number; readonly persons: number }
}

/** Addresses that say nothing of where something is. */
const anywhere = /^(?:127\.|0\.0\.0\.0$|255\.255\.255\.255$|::1?$)/

/** Words before a `:` or `=` whose value is a secret. */
const secretWords =
  'pass(?:word|wd|phrase)?|secret|token|api[_-]?key|private[_-]?key|authorization|psk|cookie|credentials?'

/** What is a secret by its form, or by the word before it; the first group stays. */
const secrets: readonly RegExp[] = [
  /()-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)/g,
  /()thymesh-join-1\.[A-Za-z0-9_-]+/g,
  /()AGE-SECRET-KEY-[A-Z0-9-]+/gi,
  /()\b(?:gh[pousr]|glpat|xox[abprs])[_-][A-Za-z0-9_-]{10,}/g,
  /()\beyJ[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*/g,
  // Of a URL: who logs in, and by what.
  /(:\/\/)[^\s/@:]*(?::[^\s/@]*)?(?=@)/g,
  /(\b(?:bearer|basic) +)[A-Za-z0-9+/._~=-]{6,}/gi,
  new RegExp(`((?:${secretWords})["']?\\s*[:=]\\s*)(?:"[^"\\n]*"|'[^'\\n]*'|(?!bearer |basic |["'<])[^\\s,;]+)`, 'gi'),
  /(--?(?:pass(?:word|phrase)?|token|secret)[ =])(?![<-])\S+/gi,
]

export function redact(given: string): Redacted {
  const hidden = new Set<string>()
  const addresses = new Map<string, string>()
  const persons = new Map<string, string>()
  let text = given
  for (const form of secrets) {
    text = text.replace(form, (whole, before: string) => {
      hidden.add(whole.slice(before.length))
      return `${before}<secret>`
    })
  }
  const address = (found: string) => numbered(addresses, found.toLowerCase(), 'address')
  text = text
    .replace(/(?<![\w.+-])[\w.+-]+@[\w-]+(?:\.[\w-]+)+\b/g, found => numbered(persons, found, 'e-mail'))
    .replace(/\/(dns[46]?|dnsaddr)\/([^/\s]+)/g, (_, kind: string, host: string) => `/${kind}/${address(host)}`)
    .replace(/\b(?:[0-9a-f]{2}:){5}[0-9a-f]{2}\b/gi, address)
    .replace(/(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?![\w.]*\d)/g, found =>
      isIPv4(found) && !anywhere.test(found) ? address(found) : found,
    )
    .replace(/(?<![\w:])[0-9a-f:]{2,46}(?:%\w+)?(?![\w:])/gi, found => {
      const [plain = ''] = found.split('%')
      // A colon may end it, or begin its port.
      const said = [plain, plain.replace(/:$/, ''), plain.replace(/:\d{1,5}$/, '')].find(isIPv6)
      if (said === undefined || anywhere.test(said)) return found
      return `${address(said)}${plain.slice(said.length)}`
    })
  return { text, leftOut: { addresses: addresses.size, secrets: hidden.size, persons: persons.size } }
}

function numbered(known: Map<string, string>, found: string, word: string): string {
  const name = known.get(found) ?? `<${word} ${known.size + 1}>`
  known.set(found, name)
  return name
}
