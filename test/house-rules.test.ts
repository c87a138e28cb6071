/** The house rules that a machine can check: import direction, head sentences, file sizes, words that may not be committed. */

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { describe, it } from 'node:test'

const root = resolve(import.meta.dirname, '..')
const tracked = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], {
  cwd: root,
  encoding: 'utf8',
})
  .split('\n')
  .filter(file => file !== '' && existsSync(join(root, file)))
const sources = tracked.filter(file => file.endsWith('.ts'))
const text = (file: string) => readFileSync(join(root, file), 'utf8')

/** Lines that a file may have; the aim is 250. */
const maxLines = 350

/** What each part may import of the project. */
const allowed: Record<string, readonly string[]> = {
  protocol: ['protocol'],
  node: ['protocol', 'node'],
  controller: ['protocol', 'node', 'controller'],
}

describe('house rules', () => {
  it('imports run one way: protocol ← node ← controller', () => {
    const wrong = sources.flatMap(file => {
      const part = file.split('/')[0] ?? ''
      if (allowed[part] === undefined || file.endsWith('.test.ts')) return []
      return importsOf(file)
        .filter(target => !allowed[part]?.includes(target.split('/')[0] ?? ''))
        .map(target => `${file} imports ${target}`)
    })
    assert.deepEqual(wrong, [])
  })

  it('protocol/ does no I/O and knows no libp2p host', () => {
    const forbidden = /from '(?:libp2p|@libp2p\/|node:(?:fs|net|http|child_process|dgram)|level|pino)/
    const wrong = sources.filter(
      file => file.startsWith('protocol/') && !file.endsWith('.test.ts') && forbidden.test(text(file)),
    )
    assert.deepEqual(wrong, [])
  })

  it('every source opens with a sentence that says what it is for', () => {
    const wrong = sources.filter(file => !/^(?:#!.*\n)?\/\*\*/.test(text(file)))
    assert.deepEqual(wrong, [])
  })

  it(`no source is longer than ${maxLines} lines`, () => {
    const wrong = sources.filter(file => text(file).split('\n').length > maxLines)
    assert.deepEqual(wrong, [])
  })

  it('no test is skipped, narrowed or left to do without a reason at run time', () => {
    const narrowed = /\b(?:it|test|describe)\.(?:only|skip|todo)\b|\btodo: |\bskip: true/
    const wrong = sources.filter(
      file => file.endsWith('.test.ts') && file !== 'test/house-rules.test.ts' && narrowed.test(text(file)),
    )
    assert.deepEqual(wrong, [])
  })
})

/** The project files that a source imports, from the root. */
function importsOf(file: string): string[] {
  const specifiers = [...text(file).matchAll(/(?:from|import\()\s*'(\.[^']+)'/g)].flatMap(match => match[1] ?? [])
  return specifiers.map(specifier => relative(root, resolve(root, dirname(file), specifier)))
}
