/** Tests of what other systems' editors leave: named where it does harm, and nowhere else. */

import assert from 'node:assert/strict'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { artifactProblem } from './artifacts.ts'
import { foreignCharacter, foreignText } from './foreign-text.ts'
import { LocatedJson } from './located-json.ts'
import { checkSettings } from './settings.ts'

test('scripts: a byte order mark and CR LF are named', async t => {
  assert.match(foreignText(Buffer.from('#!/bin/sh\r\necho\r\n')) ?? '', /CR LF/)
  assert.match(foreignText(Buffer.from('\ufeff#!/bin/sh\necho\n')) ?? '', /byte order mark/)
  assert.match(foreignText(Buffer.from('\ufeff#!/bin/sh\n', 'utf16le')) ?? '', /UTF-16/)
  assert.equal(foreignText(Buffer.from('#!/bin/sh\nprintf "a\r\n"\n')), undefined)
  assert.equal(foreignText(Buffer.from('a table\r\nof Windows\r\n')), undefined)
  const directory = await mkdtemp(join(tmpdir(), 'thymesh-foreign-'))
  t.after(() => rm(directory, { recursive: true }))
  await mkdir(join(directory, 'artifacts/app'), { recursive: true })
  await writeFile(join(directory, 'artifacts/app/run'), '#!/bin/sh\r\nexit 0\r\n')
  assert.match((await artifactProblem(directory, 'app')) ?? '', /^artifacts\/app\/run is a script .*CR LF/)
})

test('JSON files: a byte order mark and UTF-16 are named, with the first line as their place', () => {
  const marked = new LocatedJson('configs/web.json', '\ufeff{"config": "web"}')
  assert.deepEqual(
    marked.problems.map(({ message }) => message.split(':')[0]),
    ['begins with a byte order mark'],
  )
  const wide = new LocatedJson('configs/web.json', Buffer.from('\ufeff{}', 'utf16le').toString('utf8'))
  assert.match(wide.problems[0]?.message ?? '', /UTF-16/)
})

test('code in a setting: CR LF is named', () => {
  const json = new LocatedJson('configs/web.json', '{"modules": {"bash": {"script": "a\\r\\nb"}}}')
  const place = { json, path: ['modules', 'bash'] }
  const { problems } = checkSettings(place, { script: 'a\r\nb' }, { script: { type: 'code' } } as never)
  assert.match(problems[0]?.message ?? '', /lines that end in CR LF/)
})

test('a line that a parser refused: a character that no editor shows is named', () => {
  assert.deepEqual(foreignCharacter('  a\u00a0= 1;'), { column: 4, words: 'a no-break space (U+00A0)' })
  assert.match(foreignCharacter('x = \u201ctext\u201d;')?.words ?? '', /typographic quote \(U\+201C\)/)
  assert.equal(foreignCharacter('x = "Größe";'), undefined)
})
