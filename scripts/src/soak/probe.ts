/**
 * Loaded into a daemon before its own program (`NODE_OPTIONS=--import`): tells on a socket of its own what only the process knows. Each
 * connection is an answer. The program itself is as shipped, and the socket is no part of the mesh.
 */

import { EventEmitter } from 'node:events'
import { createServer } from 'node:net'
import { queryObjects } from 'node:v8'
import { isMainThread } from 'node:worker_threads'
import type { ProbeAnswer } from './samples.ts'

const socket = process.env.THYMESH_SOAK_PROBE
if (socket !== undefined && isMainThread) {
  const server = createServer(connection => {
    connection.on('error', () => {})
    connection.end(JSON.stringify(look()))
  })
  server.listen(socket)
  server.unref()
  // Programs that the daemon starts are none of the soak's.
  delete process.env.NODE_OPTIONS
  delete process.env.THYMESH_SOAK_PROBE
}

function look(): ProbeAnswer {
  // All that can go, goes: what is left is held.
  globalThis.gc?.({ type: 'major', execution: 'sync', flavor: 'last-resort' })
  const { heapUsed, external } = process.memoryUsage()
  const count = (type: typeof EventEmitter | typeof EventTarget) => queryObjects(type, { format: 'count' }) as number
  return {
    heapBytes: heapUsed + external,
    emitters: count(EventEmitter) + count(EventTarget),
    timers: process.getActiveResourcesInfo().filter(name => name === 'Timeout').length,
  }
}
