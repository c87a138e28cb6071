/** Unit tests of the page's sessions: by the hash of their token, over restarts, until they are idle or ended. */

import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { maxSessions, sessionIdleMs } from './limits.ts'
import { PageSessions } from './sessions.ts'

async function place(t: TestContext): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'thymesh-page-'))
  t.after(() => rm(directory, { recursive: true, force: true, maxRetries: 5 }))
  return join(directory, 'sessions.json')
}

describe("the page's sessions", () => {
  it('outlive the controller, in a file that lets nobody in', async t => {
    const file = await place(t)
    const { session, token } = await (await PageSessions.open(file)).begin('a browser')
    const text = await readFile(file, 'utf8')
    assert.ok(!text.includes(token))
    assert.equal((await stat(file)).mode & 0o077, 0)
    const after = await PageSessions.open(file)
    assert.equal(after.admit(`Bearer ${token}`).id, session.id)
    for (const other of [undefined, '', token, `Bearer ${session.hash}`, `Bearer ${token}x`]) {
      assert.throws(() => after.admit(other), { code: 'no-token' })
    }
  })

  it('end when they are idle, and by a clock that went back by as much', async t => {
    let now = 1_000_000_000
    const sessions = await PageSessions.open(await place(t), () => now)
    const { token } = await sessions.begin('a browser')
    now += sessionIdleMs - 1
    sessions.admit(`Bearer ${token}`)
    now += sessionIdleMs - 1
    sessions.admit(`Bearer ${token}`)
    now -= sessionIdleMs
    assert.throws(() => sessions.admit(`Bearer ${token}`), { code: 'no-token' })
  })

  it('cut what goes on when they are ended', async t => {
    const sessions = await PageSessions.open(await place(t))
    const { session, token } = await sessions.begin('a browser')
    let [cut, forgotten] = [0, 0]
    sessions.whenEnded(session.id, () => {
      cut += 1
    })
    sessions.whenEnded(session.id, () => {
      forgotten += 1
    })()
    await sessions.end(session.id)
    assert.deepEqual([cut, forgotten], [1, 0])
    assert.throws(() => sessions.admit(`Bearer ${token}`), { code: 'no-token' })
    await assert.rejects(sessions.end(session.id), { code: 'unknown-session' })
  })

  it('cut it also when they are idle, or pushed out by newer ones', async t => {
    let now = 1_000_000_000
    const sessions = await PageSessions.open(await place(t), () => now)
    const over: string[] = []
    const cut: string[] = []
    sessions.onEnd(id => over.push(id))
    const begun = async () => {
      const { session } = await sessions.begin('a browser')
      sessions.whenEnded(session.id, () => cut.push(session.id))
      now += 1
      return session.id
    }
    const first = await begun()
    const others: string[] = []
    for (let more = 1; more < maxSessions; more++) others.push(await begun())
    assert.deepEqual(over, [])
    others.push(await begun())
    assert.deepEqual([over, cut], [[first], [first]])
    now += sessionIdleMs
    sessions.endIdle()
    assert.deepEqual(over.toSorted(), [first, ...others].toSorted())
    assert.deepEqual(cut.toSorted(), over.toSorted())
  })

  it('end all at once, or all but one', async t => {
    const file = await place(t)
    const sessions = await PageSessions.open(file)
    const begun = []
    for (let number = 0; number < 3; number++) begun.push((await sessions.begin('a browser')).session.id)
    const [first, ...others] = begun
    assert.deepEqual((await sessions.endAll(first)).toSorted(), others.toSorted())
    assert.deepEqual(await sessions.endAll(first), [])
    assert.deepEqual(
      (await PageSessions.open(file)).all.map(({ id }) => id),
      [first],
    )
    assert.deepEqual(await sessions.endAll(), [first])
    assert.deepEqual((await PageSessions.open(file)).all, [])
  })

  it('begin anew after a file that is damaged', async t => {
    const file = await place(t)
    await writeFile(file, '{"v": 1, "sessions": [{"id": "x"}]}')
    assert.deepEqual((await PageSessions.open(file)).all, [])
  })
})
