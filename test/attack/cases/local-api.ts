/** Attacks on the API of an operator's controller by another user of the same machine. */

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { callRunning } from '../../../controller/api/client.ts'
import { maxConnections } from '../../../controller/api/limits.ts'
import { ApiServer } from '../../../controller/api/server.ts'
import { testSigner } from '../../helpers/fleet.ts'
import { ask, serveSession } from '../../helpers/served-api.ts'
import { sessionOf } from '../../helpers/session.ts'
import { testDirectory } from '../../helpers/state.ts'
import { until } from '../../helpers/until.ts'
import type { Arena } from '../arena.ts'
import type { Attack } from '../attack.ts'

/** Nobody's own user, who has no files here. */
const nobody = 65_534

/** A controller's socket and its port of `serve --api`. */
async function controller(arena: Arena): Promise<{ file: string; port: number }> {
  const certificate = arena.fleet.certify(testSigner('controller'), { name: 'ada', role: 'controller' })
  const peer = await arena.mesh.start({ word: 'controller', fleet: arena.fleet, certificate })
  const session = await sessionOf(peer, arena.fleet, await testDirectory(arena.ending))
  const { file, load } = await serveSession(session, stop => arena.ending.after(stop))
  const server = await ApiServer.onLoopback(0, 'secret', load)
  arena.ending.after(() => server.stop())
  return { file, port: server.port }
}

async function answers(file: string): Promise<void> {
  const reply = await callRunning(file, { path: '/v1/controller' })
  assert.ok(typeof reply === 'object', `the operator's own command got ${JSON.stringify(reply)}`)
}

export const localApiAttacks: readonly Attack[] = [
  {
    id: 'api-other-user',
    power: 'local user',
    tried: "connects to the socket of an operator's controller, and asks its loopback port with tokens that it guesses",
    expected: 'the socket lets only its owner in; the port answers 401, and says nothing of the fleet',
    needs: 'root',
    run: async arena => {
      const { file, port } = await controller(arena)
      const code = `require('net').connect(${JSON.stringify(file)}).on('error', e => process.exit(e.code === 'EACCES' ? 7 : 1)).on('connect', () => process.exit(0))`
      const [exit] = await once(spawn(process.execPath, ['-e', code], { uid: nobody, gid: nobody }), 'exit')
      assert.equal(exit, 7)
      for (const authorization of ['', 'Bearer ', 'Bearer secres', 'Bearer secret2', 'Basic secret']) {
        const headers = { Host: `127.0.0.1:${port}`, Authorization: authorization }
        for (const path of ['/v1/status', '/v1/events', '/v1/openapi.json', '/v1/nothing']) {
          const { status, json } = await ask(port, path, { headers })
          assert.deepEqual([status, json.error?.code, Object.keys(json)], [401, 'no-token', ['error']], path)
        }
      }
      await answers(file)
    },
  },
  {
    id: 'api-crowd',
    power: 'local user',
    tried: "opens 1,000 connections to the loopback port of an operator's controller, and says nothing",
    expected: "those above the limit are closed at once; the operator's commands go on over the socket",
    // A thousand connections take their time in a process that runs eleven other attacks.
    alone: true,
    run: async arena => {
      const { file, port } = await controller(arena)
      const sockets: Socket[] = Array.from({ length: 1000 }, () =>
        connect({ host: '127.0.0.1', port })
          .on('error', () => {})
          .resume(),
      )
      try {
        const open = () => sockets.filter(socket => !socket.closed && !socket.readableEnded).length
        await until(() => open() <= maxConnections, 'the rest to be closed')
        await answers(file)
      } finally {
        for (const socket of sockets) socket.destroy()
      }
    },
  },
]
