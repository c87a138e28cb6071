/** Tests of the API's server: it ends whatever is open. */

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createConnection } from 'node:net'
import { join } from 'node:path'
import { it } from 'node:test'
import { temporaryFolder } from '../../node/files/temporary.ts'
import { ApiServer, type LoadApi } from './server.ts'
import { streamPath, streamUpgrade } from './upgrade.ts'

it('stops while a stream to a device is open', async () => {
  const folder = await temporaryFolder()
  try {
    const file = join(folder.path, 'local.sock')
    const asked = Promise.withResolvers<void>()
    const load: LoadApi = () => {
      asked.resolve()
      return new Promise(() => {})
    }
    const server = await ApiServer.onSocket(file, load)
    const socket = createConnection(file)
    socket.on('error', () => {})
    const closed = once(socket, 'close')
    const head = ['Host: localhost', 'Connection: Upgrade', `Upgrade: ${streamUpgrade}`]
    socket.write(`GET ${streamPath('kiosk', 'forward')} HTTP/1.1\r\n${head.join('\r\n')}\r\n\r\n`)
    await asked.promise
    await server.stop()
    await closed
    assert.equal(socket.destroyed, true)
  } finally {
    await folder.remove()
  }
})
