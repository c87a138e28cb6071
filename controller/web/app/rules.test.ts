/** Rules for the sources of the page that need no browser: each empty state has a next step, no text is in one language alone, and "1 devices" is nowhere. */

import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { it } from 'node:test'

const sources = globSync('**/*.svelte', { cwd: import.meta.dirname }).map(file => ({
  file,
  text: readFileSync(`${import.meta.dirname}/${file}`, 'utf8'),
}))
const markupOf = (text: string) => text.replace(/<script[\s\S]*?<\/script>/g, '').replace(/<style>[\s\S]*<\/style>/, '')

it('gives each empty state a command, a link or a button', () => {
  const without = sources.flatMap(({ file, text }) =>
    [...markupOf(text).matchAll(/<Empty\b[\s\S]*?\/>/g)]
      .map(([found]) => found)
      // One with content closes later: what it has is a link or a button.
      .filter(found => !/^<Empty\b[\s\S]*?[^=]>/.test(found.slice(0, -2)))
      .filter(found => !found.includes('command='))
      .map(found => `${file}: ${found}`),
  )
  assert.deepEqual(without, [])
})

it('takes what is read and read aloud from words of both languages', () => {
  const fixed = sources
    .filter(({ file }) => basename(file) !== 'App.svelte')
    .flatMap(({ file, text }) =>
      [
        ...markupOf(text).matchAll(
          /\b(?:title|aria-label|label|text|word|placeholder)="(?![/\w]*\.\w|\/)[^"{]*\p{L}{2}[^"{]*"/gu,
        ),
      ].map(([found]) => `${file}: ${found}`),
    )
  assert.deepEqual(fixed, [])
})

it('has one form of a word for 1 and another for more, by the one function that chooses', () => {
  const files = globSync('**/*words.ts', { cwd: import.meta.dirname })
  const chosen = files.flatMap(file => {
    const text = readFileSync(`${import.meta.dirname}/${file}`, 'utf8')
    const compared = [...text.matchAll(/=== 1\b/g)].map(([found]) => found)
    const counted = [...text.matchAll(/\$\{(?:count|days|times|modules|devices|paths)\} \p{L}+s\b/gu)].map(
      ([found]) => found,
    )
    return [...compared, ...counted].map(found => `${file}: ${found}`)
  })
  assert.deepEqual(chosen, [])
})
