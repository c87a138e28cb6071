/** What the page's door does on a device with a real sshd, without a browser: files as they were and are, and the end of a browser. */

import assert from 'node:assert/strict'
import { existsSync, readdirSync } from 'node:fs'
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
    const { address } = page
    const post = async (path: string, body: object, token = '') => {
      const headers = { 'Content-Type': 'application/json', Authorization: `Bearer ${token}` }
      return await (await fetch(`${address}${path}`, { method: 'POST', headers, body: JSON.stringify(body) })).json()
    }
    const { token, id } = (await post('page/session', { code: page.codes.make() })) as Record<string, string>
    await post('page/unlock', {}, token)
    const origin = address.slice(0, -1)
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
