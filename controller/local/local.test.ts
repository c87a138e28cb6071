/** Tests of asking the controller that runs already: what goes over its socket, and what comes of it when it ends. */

import assert from 'node:assert/strict'
import { stat, writeFile } from 'node:fs/promises'
import { connect, createServer } from 'node:net'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { describe, it, type TestContext } from 'node:test'
import { ThymeshError } from '../../protocol/errors.ts'
import { withCode } from '../../test/helpers/errors.ts'
import { testDirectory } from '../../test/helpers/state.ts'
import { askRunning } from './client.ts'
import { type LocalRequest, maxRequestBytes } from './messages.ts'
import { type Answerer, LocalServer } from './server.ts'

const request: LocalRequest = { v: 1, query: 'status', newsSeconds: 1, options: { site: 'north' } }
const echo: Answerer = async ({ query, options }) => ({ v: 1, json: { options }, text: query, alone: false })

async function listening(t: TestContext, answer: Answerer = echo): Promise<{ file: string; server: LocalServer }> {
  const file = join(await testDirectory(t), 'local.sock')
  const server = await LocalServer.start(file, answer)
  t.after(() => server.stop())
  return { file, server }
}

/** The answer to bytes that are no question. */
async function said(file: string, bytes: string): Promise<string> {
  const socket = connect({ path: file, allowHalfOpen: true })
  socket.end(bytes)
  return await text(socket).catch(() => '')
}

describe('the controller that runs already', () => {
  it('answers many at once, over a socket that is its owner’s alone', async t => {
    const { file } = await listening(t)
    const answers = await Promise.all(Array.from({ length: 10 }, () => askRunning(file, request)))
    for (const answer of answers) {
      assert.deepEqual(answer, { v: 1, json: { options: { site: 'north' } }, text: 'status', alone: false })
    }
    assert.equal((await stat(file)).mode & 0o777, 0o600)
  })

  it('answers with an error, its code and its hint', async t => {
    const { file } = await listening(t, async () => {
      throw new ThymeshError('unknown-device', 'no device named x', { hint: 'Known devices: y.' })
    })
    const error = { code: 'unknown-device', message: 'no device named x', hint: 'Known devices: y.' }
    assert.deepEqual(await askRunning(file, request), { v: 1, error })
  })

  it('understands questions and nothing else', async t => {
    const { file } = await listening(t)
    const wrong = ['status', '[]', JSON.stringify({ ...request, v: 2 }), JSON.stringify({ ...request, sign: true })]
    for (const line of wrong) assert.equal(JSON.parse(await said(file, line)).error.code, 'not-understood', line)
    assert.equal(await said(file, ' '.repeat(maxRequestBytes + 1)), '')
    assert.ok(await askRunning(file, request))
  })

  it('is none where there is no socket, where nobody listens any more, and where it ends meanwhile', async t => {
    const directory = await testDirectory(t)
    assert.equal(await askRunning(join(directory, 'none'), request), undefined)
    assert.equal(await askRunning(join(directory, 'x'.repeat(200)), request), undefined)
    await writeFile(join(directory, 'stale'), '')
    assert.equal(await askRunning(join(directory, 'stale'), request), undefined)

    const asked = Promise.withResolvers<void>()
    const { file, server } = await listening(t, async () => {
      asked.resolve()
      return await new Promise(() => {})
    })
    const answer = askRunning(file, request)
    await asked.promise
    await server.stop()
    assert.equal(await answer, undefined)
  })

  it('takes the place of one that died', async t => {
    const { file } = await listening(t)
    const again = await LocalServer.start(file, async () => ({ v: 1, json: {}, text: 'the new one', alone: true }))
    t.after(() => again.stop())
    assert.deepEqual(await askRunning(file, request), { v: 1, json: {}, text: 'the new one', alone: true })
  })

  it('of another version is not used', async t => {
    const file = join(await testDirectory(t), 'local.sock')
    const server = createServer(socket => socket.resume().end('{"v":2}\n'))
    t.after(() => server.close())
    await new Promise<void>(resolve => server.listen(file, resolve))
    await assert.rejects(askRunning(file, request), withCode('not-understood'))
  })
})
