/** Where the program is looked for that hands a connection to ssh, and what ssh is told with and without it. */

import assert from 'node:assert/strict'
import { chmod, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { it } from 'node:test'
import { temporaryFolder } from '../../node/files/temporary.ts'
import { descriptorProgram } from './descriptor-program.ts'
import { proxyLines } from './ssh-ways.ts'

it('is found in the folders of PATH only, and only if it can be run and has what is needed', async t => {
  const folder = await temporaryFolder()
  t.after(() => folder.remove())
  const file = join(folder.path, 'python3')
  const path = `relative:/nowhere:${folder.path}`
  await writeFile(file, '#!/bin/sh\nexit 127\n', { mode: 0o600 })
  assert.equal(await descriptorProgram(path), undefined)
  await chmod(file, 0o700)
  assert.equal(await descriptorProgram(path), undefined)
  await writeFile(file, '#!/bin/sh\n')
  assert.equal((await descriptorProgram(path))?.[0], file)
})

it('is what ssh gets the connection from; without it, our own program carries the bytes', () => {
  assert.deepEqual(proxyLines('/tmp/0.sock', ['/bin/python3', '-c', 'a; b(%)']), [
    "ProxyCommand /bin/python3 -c 'a; b(%%)' /tmp/0.sock",
    'ProxyUseFdpass yes',
  ])
  const [command, use] = proxyLines('/tmp/0.sock', undefined)
  assert.match(command ?? '', /pipe-program\.ts \/tmp\/0\.sock$/)
  assert.equal(use, 'ProxyUseFdpass no')
})
