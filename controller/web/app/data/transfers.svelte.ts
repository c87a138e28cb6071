/** Files on their way to and from devices: each with what has moved, and a way to stop it. */

import { saveBlob } from '../base/save-file.ts'
import { client, type Failure, failureOf } from './client.ts'
import { openSocket } from './socket.ts'

export interface Transfer {
  readonly key: number
  readonly device: string
  readonly name: string
  readonly up: boolean
  readonly done: number
  readonly size: number
  readonly state: 'moving' | 'done' | 'cancelled' | 'failed'
  readonly failure: Failure | undefined
}

export interface FilePlace {
  readonly device: string
  readonly user: string
  readonly path: string
}

/** What one message carries, and what may be on its way before the device has written it. */
const pieceBytes = 256 * 1024
const aheadBytes = 4 * 1024 * 1024
/** Parts of a download are given to the browser in such pieces: it puts them onto the disk. */
const blobBytes = 16 * 1024 * 1024

let list = $state.raw<readonly Transfer[]>([])
let nextKey = 1
const stops = new Map<number, () => void>()

export const transfers = {
  of: (device: string): readonly Transfer[] => list.filter(each => each.device === device),
  cancel(key: number): void {
    stops.get(key)?.()
  },
  forget(key: number): void {
    list = list.filter(each => each.key !== key)
  },
  /** Resolves when it is over, however it ended. */
  async upload(place: FilePlace, file: File): Promise<void> {
    const key = add(place.device, file.name, true, file.size)
    await run(key, signal => send(place, file, signal, done => change(key, { done })))
  },
  async download(place: FilePlace, name: string, size: number): Promise<void> {
    const key = add(place.device, name, false, size)
    await run(key, async signal => {
      const { device, user, path } = place
      const response = await client.stream(`/page/file?${new URLSearchParams({ device, user, path })}`, signal)
      // It may have grown since the folder was listed.
      change(key, { size: Number(response.headers.get('thymesh-size') ?? size) })
      saveBlob(name, await collected(response, done => change(key, { done })))
    })
  },
}

function add(device: string, name: string, up: boolean, size: number): number {
  const key = nextKey++
  list = [{ key, device, name, up, size, done: 0, state: 'moving', failure: undefined }, ...list]
  return key
}

function change(key: number, change: Partial<Transfer>): void {
  list = list.map(each => (each.key === key ? { ...each, ...change } : each))
}

async function run(key: number, work: (signal: AbortSignal) => Promise<void>): Promise<void> {
  const abort = new AbortController()
  stops.set(key, () => abort.abort())
  try {
    await work(abort.signal)
    change(key, { state: 'done' })
  } catch (thrown) {
    if (abort.signal.aborted) change(key, { state: 'cancelled' })
    else change(key, { state: 'failed', failure: failureOf(thrown) })
  } finally {
    stops.delete(key)
  }
}

async function send(place: FilePlace, file: File, signal: AbortSignal, moved: (bytes: number) => void): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  let sent = 0
  let written = 0
  let sending = false
  const { socket } = openSocket(
    '/page/upload',
    { ...place, size: file.size },
    {
      said: message => {
        if (typeof message.written === 'number') {
          written = message.written
          moved(written)
        }
        if (message.done === true) resolve()
        else void more().catch(reject)
      },
      closed: failure => reject(failure ?? new Error('The link was lost.')),
    },
  )
  const more = async () => {
    if (sending) return
    sending = true
    while (sent < file.size && sent - written < aheadBytes && !signal.aborted) {
      const bytes = await file.slice(sent, sent + pieceBytes).arrayBuffer()
      if (socket.readyState !== WebSocket.OPEN) break
      socket.send(bytes)
      sent += bytes.byteLength
    }
    sending = false
  }
  const stop = () => {
    reject(new Error('stopped'))
    socket.close()
  }
  signal.addEventListener('abort', stop)
  await promise.finally(() => {
    signal.removeEventListener('abort', stop)
    // A file that can't be read any more: the device must not wait for the rest.
    socket.close()
  })
}

async function collected(response: Response, moved: (bytes: number) => void): Promise<Blob> {
  const reader = response.body?.getReader()
  const blobs: Blob[] = []
  let parts: Uint8Array<ArrayBuffer>[] = []
  let bytes = 0
  let held = 0
  for (;;) {
    const next = await reader?.read()
    if (next === undefined || next.done) break
    parts.push(next.value)
    held += next.value.length
    bytes += next.value.length
    moved(bytes)
    if (held < blobBytes) continue
    blobs.push(new Blob(parts))
    parts = []
    held = 0
  }
  return new Blob([...blobs, ...parts], { type: 'application/octet-stream' })
}
