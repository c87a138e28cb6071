/** Asking for a door where there may be none: then commands do it themselves; what a device refuses with is thrown. */

import assert from 'node:assert/strict'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { it, type TestContext } from 'node:test'
import { temporaryFolder } from '../../node/files/temporary.ts'
import { withCode } from '../../test/helpers/errors.ts'
import { openDoorThere } from './door-client.ts'

/** Answers as a controller does that gives no door, of this version or the one before: an error with a code. */
async function refusing(t: TestContext, code: string): Promise<string> {
  const folder = await temporaryFolder()
  t.after(() => folder.remove())
  const file = join(folder.path, 'local.sock')
  const body = JSON.stringify({ error: { code, message: 'expected something else', hint: 'Do that.' } })
  const server = createServer(socket => {
    socket.on('error', () => {})
    socket.once('data', () =>
      socket.end(
        `HTTP/1.1 404 Refused\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
      ),
    )
  })
  await new Promise<void>(resolve => server.listen(file, resolve))
  t.after(() => void server.close())
  return file
}

const ask = (file: string) =>
  openDoorThere(file, 'ssh-door', { device: 'kiosk', user: 'root', wait: 1, at: '/nowhere/0.sock' })

it('is nothing where no controller runs', async () => {
  assert.equal(await ask('/nowhere/local.sock'), undefined)
})

for (const code of ['unknown-route', 'socket-path']) {
  it(`is nothing where the controller says ${code}: it is older, or has other folders`, async t => {
    assert.equal(await ask(await refusing(t, code)), undefined)
  })
}

it('throws what the device refuses with', async t => {
  await assert.rejects(ask(await refusing(t, 'not-granted')), withCode('not-granted'))
})

it('is nothing where the controller sees other files: what is at the path was there before', async t => {
  const folder = await temporaryFolder()
  t.after(() => folder.remove())
  const [file, at] = [join(folder.path, 'local.sock'), join(folder.path, '0.sock')]
  const old = createServer()
  await new Promise<void>(resolve => old.listen(at, resolve))
  t.after(() => void old.close())
  const server = createServer(socket => {
    socket.on('error', () => {})
    const head = 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: thymesh-stream\r\n\r\n'
    socket.once('data', () => socket.write(`${head}${JSON.stringify({ at })}\n`))
  })
  await new Promise<void>(resolve => server.listen(file, resolve))
  t.after(() => void server.close())
  const about = { device: 'kiosk', user: 'root', wait: 1, to: 'unix:/run/app.sock', ticket: '', at: [at] }
  assert.equal(await openDoorThere(file, 'forward-door', about), undefined)
})
