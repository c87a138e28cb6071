/** Reads and writes at a place: all of it, or a word that the file ended. */

import assert from 'node:assert/strict'
import { mkdtemp, open, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { it } from 'node:test'
import { readFully, readUpTo, writeFully } from './file-io.ts'

it('reads back what it wrote, and says when the file ends before', async t => {
  const directory = await mkdtemp(join(tmpdir(), 'thymesh-file-io-'))
  t.after(() => rm(directory, { recursive: true, force: true }))
  const handle = await open(join(directory, 'a'), 'w+')
  t.after(() => handle.close())
  await writeFully(handle, Buffer.from('chunk'), 3)
  const into = Buffer.alloc(5)
  assert.equal(await readFully(handle, into, 3), true)
  assert.equal(into.toString(), 'chunk')
  assert.equal(await readFully(handle, into, 4), false)
  assert.equal((await readUpTo(handle, 5, 4)).toString(), 'hunk')
  assert.equal((await readUpTo(handle, 5, 9)).length, 0)
})

it('goes on after short reads and writes', async () => {
  const file = Buffer.alloc(10)
  const source = Buffer.from('0123456789')
  const slow = {
    write: async (bytes: Uint8Array, from: number, length: number, position: number) => {
      const bytesWritten = Math.min(3, length)
      file.set(bytes.subarray(from, from + bytesWritten), position)
      return { bytesWritten, buffer: bytes }
    },
  }
  await writeFully(slow as Parameters<typeof writeFully>[0], source, 0)
  assert.deepEqual(file, source)
  const slowReader = {
    read: async (into: Uint8Array, to: number, length: number, position: number) => {
      const bytesRead = file.copy(into, to, position, position + Math.min(3, length))
      return { bytesRead, buffer: into }
    },
  }
  assert.deepEqual(await readUpTo(slowReader as unknown as Parameters<typeof readUpTo>[0], 20, 0), source)
})
