/** Completions as the shells read them, and manual pages as man does. */

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { main } from '../helpers/program.ts'

const thymesh = (...args: string[]) => execFileSync(process.execPath, [main, ...args], { encoding: 'utf8' })

describe('what the command line says of itself', () => {
  const directory = mkdtempSync(join(tmpdir(), 'thymesh-completion-'))
  after(() => rmSync(directory, { recursive: true }))

  it('completes commands, options and choices in bash', () => {
    const file = join(directory, 'bash')
    writeFileSync(file, thymesh('completion', 'bash'))
    const complete = (...words: string[]) => {
      // biome-ignore lint/suspicious/noTemplateCurlyInString: the shell's
      const script = 'source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _thymesh; echo "${COMPREPLY[*]}"'
      return execFileSync('bash', ['-c', script, 'bash', file, 'thymesh', ...words], { encoding: 'utf8' }).trim()
    }
    assert.equal(complete('stat'), 'status')
    assert.equal(complete('device', 'ren'), 'rename')
    assert.equal(complete('token', '--over-limit', ''), 'flag revoke')
    assert.equal(complete('deploy', '--for'), '--force')
    assert.equal(complete('token', '--names', 'x', 'l'), 'list')
  })

  it('names every command in the scripts of zsh and fish', () => {
    const [zsh, fish] = [thymesh('completion', 'zsh'), thymesh('completion', 'fish')]
    for (const name of ['adopt', 'status', 'rollback']) {
      assert.match(zsh, new RegExp(`'${name}:`))
      assert.match(fish, new RegExp(`-a '${name}'`))
    }
  })

  it('has a manual page for each command', () => {
    thymesh('man-pages', directory)
    const pages = readdirSync(directory).filter(name => name.endsWith('.1'))
    assert.ok(pages.includes('thymesh.1') && pages.includes('thymesh-device-list.1'), pages.join())
    const page = readFileSync(join(directory, 'thymesh-token.1'), 'utf8')
    assert.match(page, /^\.TH THYMESH-TOKEN 1/)
    // No line of text is taken for a request.
    const requests = new Set(
      pages.flatMap(name => readFileSync(join(directory, name), 'utf8').match(/^[.'].[A-Z]*/gm) ?? []),
    )
    assert.deepEqual([...requests].sort(), ['.B', '.BR', '.SH', '.TH', '.TP'])
  })
})
