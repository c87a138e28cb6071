/** What the page's door does on a device with a real sshd, without a browser: files as they were and are, and the end of a browser. */

import assert from 'node:assert/strict'
import { existsSync, readdirSync, readlinkSync } from 'node:fs'
import { chown, mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { maxCommandOutput, maxEntries } from '../../controller/ssh/limits.ts'
import { runRemote } from '../../controller/ssh/remote-command.ts'
import { RemoteFiles } from '../../controller/ssh/remote-files.ts'
import { type Hands, hands } from '../helpers/hands.ts'
import { until } from '../helpers/until.ts'

const skip =
  process.getuid?.() !== 0
    ? 'sshd lets others in only as root'
    : !existsSync('/usr/sbin/sshd') && 'there is no sshd: scripts/setup --tests'
const place = { device: 'device', user: 'root' }

/** Whether any process of this machine has the file open. */
function isOpen(path: string): boolean {
  const processes = readdirSync('/proc').filter(name => /^\d+$/.test(name))
  return processes.some(id => {
    try {
      return readdirSync(`/proc/${id}/fd`).some(fd => readlinkSync(`/proc/${id}/fd/${fd}`) === path)
    } catch {
      // It has ended meanwhile.
      return false
    }
  })
}

describe("the page's door to a device", { skip, timeout: 900_000 }, () => {
  let made: Hands
  let files: RemoteFiles
  const undos: (() => unknown)[] = []

  before(async () => {
    made = await hands({ after: undo => void undos.push(undo as () => unknown) })
    files = new RemoteFiles(made.session)
  })
  after(async () => {
    files?.end()
    for (const undo of undos.reverse()) await undo()
  })

  const write = async (path: string, text: string) => {
    async function* pieces() {
      yield Buffer.from(text)
    }
    await files.write('owner', place, path, pieces(), () => {})
  }

  /** A browser whose keys are unlocked. */
  const signedIn = async () => {
    const { address, codes } = made.page
    const post = async (path: string, body: object, token = '') => {
      const headers = { 'Content-Type': 'application/json', Authorization: `Bearer ${token}` }
      return await (await fetch(`${address}${path}`, { method: 'POST', headers, body: JSON.stringify(body) })).json()
    }
    const { token, id } = (await post('page/session', { code: codes.make() })) as Record<string, string>
    await post('page/unlock', {}, token)
    return { token, id }
  }

  it('keeps rights and owner of a file that is replaced, and leaves nothing beside it', async () => {
    const folder = join(made.folder, 'replaced')
    await mkdir(folder)
    const secret = join(folder, 'secret')
    await writeFile(secret, 'old', { mode: 0o640 })
    await chown(secret, 65_534, 65_534)
    await write(secret, 'new')
    await write(join(folder, 'another'), 'text')
    const { mode, uid, gid } = await stat(secret)
    assert.deepEqual([mode & 0o7777, uid, gid], [0o640, 65_534, 65_534])
    assert.equal(await readFile(secret, 'utf8'), 'new')
    assert.deepEqual((await readdir(folder)).sort(), ['another', 'secret'])
  })

  it('lists folders: none, some and more entries than it shows', async () => {
    const folder = join(made.folder, 'listed')
    await mkdir(join(folder, 'empty'), { recursive: true })
    await mkdir(join(folder, 'large'))
    for (let each = 0; each < maxEntries + 300; each++) await writeFile(join(folder, `large/${each}`), '')
    const list = async (path: string) => await files.list('owner', place, join(folder, path))
    const names = async (path: string) => (await list(path)).entries.map(({ name }) => name)
    assert.deepEqual(await names('.'), ['empty', 'large'])
    assert.deepEqual(await names('empty'), [])
    const { entries, more } = await list('large')
    assert.deepEqual([entries.length, more], [maxEntries, true])
    await assert.rejects(list('missing'), { code: 'no-such-file' })
  })

  it('says how large a file is without its content, and leaves it open nowhere', async () => {
    const path = join(made.folder, 'large file')
    // More than any buffer on the way takes.
    await writeFile(path, Buffer.alloc(16 * 1024 * 1024))
    const { token, id } = await signedIn()
    const ask = async (file: string) => {
      const query = new URLSearchParams({ ...place, path: file })
      const headers = { Authorization: `Bearer ${token}` }
      return await fetch(`${made.page.address}page/file?${query}`, { method: 'HEAD', headers })
    }
    const answer = await ask(path)
    assert.deepEqual([answer.status, await answer.text()], [200, ''])
    assert.equal(answer.headers.get('thymesh-size'), String(16 * 1024 * 1024))
    await until(() => !isOpen(path), 'the file to be closed on the device')
    assert.equal((await ask(join(made.folder, 'missing'))).status, 422)
    await made.page.sessions.end(String(id))
  })

  it('runs a command to its end, and gives its code and the end of its output', async () => {
    const run = async (command: string, limitMs = 60_000) => await runRemote(made.session, place, command, limitMs)
    assert.deepEqual(await run('echo out; exec true'), { exitCode: 0, output: 'out\n', timedOut: false })
    const failed = await run('echo why >&2; exit 3')
    assert.deepEqual([failed.exitCode, failed.output], [3, 'why\n'])
    const long = await run('head -c 300000 /dev/zero | tr "\\0" x; echo; echo last')
    assert.ok(long.output.length <= maxCommandOutput && long.output.endsWith('\nlast\n'))
    assert.deepEqual(await run('sleep 600', 500), { exitCode: null, output: '', timedOut: true })
    await assert.rejects(runRemote(made.session, { ...place, user: 'nobody' }, 'true', 1000))
  })

  it('ends the terminals of a browser that the command line signs out', async () => {
    files.end()
    await until(() => readdirSync(made.access.place).length === 0, 'the sessions for files to end')
    const { page } = made
    const { token, id } = await signedIn()
    const origin = page.address.slice(0, -1)
    const init = { headers: { Origin: origin } } as unknown as string[]
    const socket = new WebSocket(`${origin.replace('http', 'ws')}/page/terminal`, init)
    const opened = new Promise<void>((resolve, reject) => {
      socket.addEventListener('message', ({ data }) => {
        if (typeof data === 'string' && data.includes('"opened"')) resolve()
        else if (typeof data === 'string' && data.includes('"error"')) reject(new Error(data))
      })
    })
    const closed = new Promise(resolve => socket.addEventListener('close', resolve))
    const ask = { open: { ...place, columns: 80, rows: 24 } }
    socket.addEventListener('open', () => socket.send(JSON.stringify({ token, ask })))
    await opened
    assert.equal(readdirSync(made.access.place).length, 1)
    await page.sessions.end(String(id))
    await closed
    await until(() => readdirSync(made.access.place).length === 0, 'the session on the device to end')
  })
})
