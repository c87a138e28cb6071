/** Tests of listening at a Unix socket: for its owner, in place of one that was left over, on a path that fits. */

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { stat, writeFile } from 'node:fs/promises'
import { connect, createServer } from 'node:net'
import { join } from 'node:path'
import { it } from 'node:test'
import { testDirectory } from '../../test/helpers/state.ts'
import { fitsSocket, listenAt, maxSocketPath } from './unix-socket.ts'

it('listens for its owner, in place of what was left over', async t => {
  const file = join(await testDirectory(t), 'a.sock')
  await writeFile(file, 'left over')
  const server = createServer(socket => socket.end())
  t.after(() => server.close())
  await listenAt(server, file)
  assert.equal((await stat(file)).mode & 0o777, 0o600)
  await once(connect(file), 'connect')
})

it('listens for a group as well', async t => {
  const file = join(await testDirectory(t), 'a.sock')
  const server = createServer(socket => socket.end())
  t.after(() => server.close())
  const group = process.getgid?.() ?? assert.fail('no groups')
  await listenAt(server, file, group)
  const { mode, gid } = await stat(file)
  assert.deepEqual([mode & 0o777, gid], [0o660, group])
})

it('tells paths that are too long for a socket', () => {
  assert.ok(fitsSocket('x'.repeat(maxSocketPath)))
  assert.ok(!fitsSocket('ü'.repeat(maxSocketPath - 1)))
})
