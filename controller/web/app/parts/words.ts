/** Words of the parts that all views share. */

import { words } from '../base/language.svelte.ts'

export const shared = words(
  {
    never: 'never',
    ahead: 'clock is ahead',
    same: 'The same in the terminal',
    copy: 'Copy',
    copied: 'Copied',
    close: 'Close',
    cancel: 'Cancel',
    retry: 'Try again',
    loading: 'Loading …',
    rows: (count: string) => `${count} rows`,
    select: (name: string) => `Select ${name}`,
    selectAll: 'Select all',
    sortBy: (name: string) => `Sort by ${name}`,
    failed: 'That did not work',
    more: 'More',
    ordered: (what: string) => `Ordered: ${what}`,
    toTask: 'Show the task',
  },
  {
    never: 'nie',
    ahead: 'Uhr geht vor',
    same: 'Dasselbe im Terminal',
    copy: 'Kopieren',
    copied: 'Kopiert',
    close: 'Schließen',
    cancel: 'Abbrechen',
    retry: 'Noch einmal',
    loading: 'Lädt …',
    rows: (count: string) => `${count} Zeilen`,
    select: (name: string) => `${name} auswählen`,
    selectAll: 'Alle auswählen',
    sortBy: (name: string) => `Nach ${name} ordnen`,
    failed: 'Das ging nicht',
    more: 'Mehr',
    ordered: (what: string) => `Beauftragt: ${what}`,
    toTask: 'Aufgabe zeigen',
  },
)
