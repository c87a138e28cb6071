/** Where the daemon comes from and how it ends: a socket, a child of ours, none, or one that hangs. */
import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { mkdir, stat, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { NixStore } from '../../node/store/local/nix-store.ts'
import { until } from '../helpers/until.ts'
import { missingNix, Stores } from './real-stores.ts'

const run = promisify(execFile)
const options = { skip: await missingNix(), timeout: 120_000 }

/** Processes of ours that mention a text: daemons of the store under test. */
async function childrenWith(text: string): Promise<number> {
  const { stdout } = await run('pgrep', ['-P', `${process.pid}`, '-f', text]).catch(() => ({ stdout: '' }))
  return stdout.trim().split('\n').filter(Boolean).length
}

test('a daemon on a socket is used as it is', options, async t => {
  const stores = await Stores.of(t)
  const { file, publicKey } = await stores.key('test-1')
  const realA = stores.real('a')
  const path = await realA.addText('text', 'text')
  await realA.sign(file, path)
  const a = await stores.open(realA.root)

  const root = stores.real('b').root
  const socket = join(stores.dir, 'socket')
  const daemon = spawn('nix-daemon', ['--store', `local?root=${root}`, '--option', 'trusted-users', '*'], {
    stdio: 'ignore',
    env: { ...process.env, NIX_DAEMON_SOCKET_PATH: socket },
  })
  const ended = new Promise(resolve => daemon.on('close', resolve))
  t.after(async () => {
    daemon.kill('SIGKILL')
    await ended
  })
  await until(() => stat(socket).catch(() => undefined), 'the daemon to listen')
  const b = await stores.open(root, { socket, trustedPublicKeys: [publicKey] })
  const info = await a.pathInfo(path)
  assert.ok(info !== undefined)
  // It takes our keys because we are a trusted user.
  assert.equal(await b.import(info, (await a.nar(path)).stream()), 'imported')
  assert.deepEqual(await b.pathInfo(path), info)
  await b.setProfile('system', path)
  await stores.real('b').nixStore('--gc')
  assert.ok(await b.isValid(path))
  await b.stop()
})

test('without a daemon the error says so', options, async t => {
  const { dir } = await Stores.of(t)
  for (const init of [{ socket: join(dir, 'nobody') }, { root: join(dir, 'root'), nixBinDir: dir }]) {
    const store = new NixStore({}, init)
    await assert.rejects(store.start(), { code: 'store-unavailable' })
    await store.stop()
  }
})

test('a daemon that ends at once is quoted', options, async t => {
  const { dir } = await Stores.of(t)
  await writeFile(join(dir, 'file'), '')
  const store = new NixStore({}, { root: join(dir, 'file') })
  await assert.rejects(store.start(), {
    code: 'store-unavailable',
    message: /nix-daemon ended with .*not a directory/is,
  })
  await store.stop()
})

test('stop ends the daemons of ours, also those that hang', options, async t => {
  const { dir } = await Stores.of(t)
  const bin = join(dir, 'bin')
  await mkdir(bin)
  await writeFile(join(bin, 'nix-daemon'), `#!/bin/sh\ntrap '' TERM\n# ${dir}\nwhile :; do sleep 0.1; done\n`, {
    mode: 0o755,
  })
  const hung = new NixStore({}, { root: join(dir, 'hung'), nixBinDir: bin })
  const starting = assert.rejects(hung.start(), { code: 'store-unavailable' })
  await until(() => childrenWith(bin), 'the daemon to start')
  await Promise.all([hung.stop(), starting])
  assert.equal(await childrenWith(bin), 0)

  const root = join(dir, 'well')
  const store = new NixStore({}, { root })
  await store.start()
  await store.holdTempRoots()
  const path = '/nix/store/ab3li50xq0nl4q5lxdyinb8w8y13my9s-f'
  await Promise.all(Array.from({ length: 10 }, () => store.isValid(path)))
  assert.ok((await childrenWith(root)) > 0)
  await store.stop()
  await store.stop()
  assert.equal(await childrenWith(root), 0)
  await assert.rejects(store.isValid(path), { code: 'store-unavailable' })
})

test('a hung daemon answers the caller that gives up', options, async t => {
  const { dir } = await Stores.of(t)
  const socket = join(dir, 'socket')
  const silent = createServer().listen(socket)
  t.after(() => silent.close())
  await new Promise(resolve => silent.on('listening', resolve))
  const store = new NixStore({}, { socket })
  const starting = assert.rejects(store.start(), { code: 'store-unavailable', message: /has been stopped/ })
  await new Promise(resolve => silent.on('connection', resolve))
  await Promise.all([store.stop(), starting])
})
