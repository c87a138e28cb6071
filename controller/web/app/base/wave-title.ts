/** What a wave chooses, in German: the controller says it in English, in the few sentences that the protocol has. */

const sentences: readonly (readonly [english: RegExp, german: string])[] = [
  [/^all devices$/, 'alle Geräte'],
  [/^all others$/, 'alle anderen'],
  [/^one device of each site$/, 'ein Gerät je Standort'],
  [/^1 device$/, '1 Gerät'],
  [/^(\d+) devices$/, '$1 Geräte'],
  [/^tag (\S+)$/, 'Tag $1'],
]

/** A sentence that it does not know stays as it is. */
export function germanTitle(title: string): string {
  const known = sentences.find(([english]) => english.test(title))
  return known === undefined ? title : title.replace(...known)
}
