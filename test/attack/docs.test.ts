/** docs/security.md tells of every attack of the kit, as it is run, and names no test that isn't there. */

import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { docsHead, docsRow } from './attack.ts'
import { attacks } from './cases.ts'

const root = join(import.meta.dirname, '../..')
const page = readFileSync(join(root, 'docs/security.md'), 'utf8')
const ids = new Set(attacks.map(({ id }) => id))

describe('docs/security.md', () => {
  it('has the table of attacks that `scripts/attack --list` prints', () => {
    assert.ok(page.includes([...docsHead, ...attacks.map(docsRow)].join('\n')), 'print it anew')
  })

  it('names attacks and files of tests that are there', () => {
    const cells = page.split('\n').flatMap(line => (line.startsWith('| ') ? (line.split(' | ').at(-1) ?? '') : []))
    const named = [...cells.join('\n').matchAll(/`([a-z0-9./-]+)`/g)].map(match => match[1] ?? '')
    assert.ok(named.length > attacks.length)
    assert.deepEqual(
      named.filter(name => !ids.has(name) && !(name.endsWith('.test.ts') && existsSync(join(root, name)))),
      [],
    )
  })
})

describe('the kit', () => {
  it('has at least 40 attacks, each under a name of its own', () => {
    assert.equal(ids.size, attacks.length)
    assert.ok(ids.size >= 40)
  })
})
