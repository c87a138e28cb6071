/** No error reaches an operator without a hint: the controller's own by their type, all others by their code. */

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { describe, it } from 'node:test'
import { ThymeshError } from '../../protocol/errors.ts'
import { errorJson } from './error-json.ts'
import { hintFor } from './hints.ts'

const root = resolve(import.meta.dirname, '../..')
const sources = execFileSync('git', ['ls-files', 'protocol', 'node', 'controller'], { cwd: root, encoding: 'utf8' })
  .split('\n')
  .filter(file => file.endsWith('.ts') && !file.endsWith('.test.ts'))
  .map(file => ({ file, text: readFileSync(join(root, file), 'utf8') }))

describe('a hint', () => {
  it('is known for every code of protocol/ and node/', () => {
    const wrong = sources
      .filter(({ file }) => !file.startsWith('controller/'))
      .flatMap(({ file, text }) => codesOf(text).map(code => ({ file, code })))
      .filter(({ code }) => hintFor(code) === undefined)
    assert.deepEqual(wrong, [])
  })

  it('is known for every code of a failed update', () => {
    const list = /failureCodes = \[([^\]]*)\]/.exec(
      sources.find(each => each.file.endsWith('/journal-entry.ts'))?.text ?? '',
    )
    const codes = [...(list?.[1] ?? '').matchAll(/'([a-z0-9-]+)'/g)].flatMap(([, code]) => code ?? [])
    assert.ok(codes.length > 10)
    assert.deepEqual(
      [...codes, 'store-damaged'].filter(code => hintFor(code) === undefined),
      [],
    )
  })

  it('is asked for by the type of every error that controller/ makes', () => {
    // The web page shows what the controller says, hint included.
    const isOwn = (file: string) => file.startsWith('controller/') && !file.startsWith('controller/web/app/')
    const own = sources.filter(({ file }) => isOwn(file))
    const hinted = own.flatMap(({ text }) => [...text.matchAll(/class (\w+) extends HintedError\b/g)])
    const allowed = new Set([
      'HintedError',
      ...hinted.map(([, name = '']) => name),
      // A bug, the command line itself, and a program of ours whose failure is caught beside it.
      ...['RangeError', 'InvalidArgumentError', 'Error'],
    ])
    const wrong = own.flatMap(({ file, text }) =>
      [...text.matchAll(/new (\w*Error)\(|extends (ThymeshError)\b/g)]
        .map(([, made, base]) => made ?? base ?? '')
        .filter(name => !allowed.has(name))
        .map(name => `${file}: ${name}`),
    )
    assert.ok(hinted.length > 10)
    assert.deepEqual(wrong, [])
  })

  it('of its own stands before the one of the code, and something unexpected has one too', () => {
    const own = new ThymeshError('busy', 'a peer is busy', { hint: 'Wait.' })
    assert.equal(errorJson(own).hint, 'Wait.')
    assert.equal(errorJson(new ThymeshError('busy', 'a peer is busy')).hint, hintFor('busy'))
    assert.match(errorJson(new RangeError('a bug')).hint, /THYMESH_DEBUG=1/)
  })
})

/** The codes in the unions of a file's error classes, and in its calls of a class without one. */
function codesOf(text: string): string[] {
  const unions = [
    ...text.matchAll(/extends ThymeshError<([^>]*)>/g),
    ...text.matchAll(/type \w*ErrorCode =([^;]*?)\n\n/g),
    ...text.matchAll(/new (?:ThymeshError|ThreadError)\((\s*'[^']*')/g),
  ]
  return unions.flatMap(([, union = '']) => [...union.matchAll(/'([a-z0-9-]+)'/g)].flatMap(([, code]) => code ?? []))
}
