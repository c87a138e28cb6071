/** Compiled code is kept where nobody else can write, and only there. */

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'

const module = JSON.stringify(join(import.meta.dirname, 'compiled-code.ts'))
const used = JSON.stringify(join(import.meta.dirname, '../../format/one-line.ts'))

/** Whether another process keeps its code there: Node's choice is for a whole process. */
function kept(cache: string): boolean {
  const program = `
    const { keepCompiledCode } = await import(${module})
    console.log(keepCompiledCode(${JSON.stringify(cache)}))
    await import(${used})`
  const { NODE_COMPILE_CACHE: _, ...env } = process.env
  return execFileSync(process.execPath, ['--input-type=module', '-e', program], { env, encoding: 'utf8' }) === 'true\n'
}

describe('compiled code', () => {
  it('is kept in a folder of the user alone', t => {
    const home = mkdtempSync(join(tmpdir(), 'compiled-'))
    t.after(() => rmSync(home, { recursive: true }))
    assert.ok(kept(join(home, 'cache')))
    assert.equal(statSync(join(home, 'cache/compiled')).mode & 0o777, 0o700)
    assert.ok(readdirSync(join(home, 'cache/compiled'), { recursive: true }).length > 1)
  })

  it('is not kept where others can write, or where there can be no folder', t => {
    const home = mkdtempSync(join(tmpdir(), 'compiled-'))
    t.after(() => rmSync(home, { recursive: true }))
    mkdirSync(join(home, 'open/cache'), { recursive: true })
    chmodSync(join(home, 'open'), 0o777)
    assert.ok(!kept(join(home, 'open/cache')))
    assert.ok(!kept('/dev/null/cache'))
  })
})
