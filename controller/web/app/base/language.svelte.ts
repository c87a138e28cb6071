/** The page's languages: which one is spoken now, and how each file of words gives its texts in it. */

const languages = ['en', 'de'] as const
export type Language = (typeof languages)[number]

const kept = 'thymesh.language'

function first(): Language {
  const chosen = localStorage.getItem(kept)
  const wanted = [chosen, ...navigator.languages.map(each => each.slice(0, 2))]
  // In the order in which they are wanted: most browsers name English, too.
  return wanted.flatMap(each => languages.find(known => known === each) ?? [])[0] ?? 'en'
}

const began = first()
document.documentElement.lang = began

let current = $state<Language>(began)

export const language = {
  get current(): Language {
    return current
  },
  choose(next: Language): void {
    localStorage.setItem(kept, next)
    current = next
    document.documentElement.lang = next
  },
  /** With the country of the browser, where it is one of this language: it decides about hours and dates. */
  get locale(): string {
    return navigator.languages.find(each => each.startsWith(current)) ?? current
  },
  get all(): readonly Language[] {
    return languages
  },
}
/**
 * The words of one view, in each language. Call the result where they are shown: it follows the language. English says
 * which words there are; another language has to have all of them.
 */
export function words<Words>(english: Words, german: NoInfer<Words>): () => Words {
  return () => (current === 'de' ? german : english)
}
