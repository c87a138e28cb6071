/** What the bundle leaves out is not loaded, and what it keeps works. */

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { describe, it } from 'node:test'
import { build } from 'esbuild'
import { builtinsAlone } from './bundle-lean.ts'

/** A program that serves and asks by HTTP, and tells whether Node has loaded undici. */
const program = `
  import { createServer, request } from 'node:http'
  import * as all from 'http'
  import process, { argv0 } from 'node:process'
  const server = createServer((_, response) => response.end('answer')).listen(0, '127.0.0.1', () => {
    request({ port: server.address().port, host: '127.0.0.1', agent: new all.Agent() }, async response => {
      const text = (await response.toArray()).join('')
      const undici = process.moduleLoadList.some(name => name.includes('undici'))
      console.log(JSON.stringify({ text, undici, argv0 }))
      server.close()
    }).end()
  })`

describe('the lean bundle', () => {
  it('has HTTP without what hangs on it', async () => {
    const { outputFiles } = await build({
      stdin: { contents: program },
      bundle: true,
      write: false,
      platform: 'node',
      format: 'esm',
      plugins: [builtinsAlone],
    })
    const argv = ['--input-type=module', '--eval', outputFiles[0]?.text ?? '']
    const said = execFileSync(process.execPath, argv, { encoding: 'utf8', env: {} })
    assert.deepEqual(JSON.parse(said), { text: 'answer', undici: false, argv0: process.argv0 })
  })
})
