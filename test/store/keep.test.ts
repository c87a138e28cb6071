/** Tests of the garbage collector: roots protect paths, all others go; and of a full store. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdir, readdir, readlink } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { missingNix, Stores } from './real-stores.ts'

const run = promisify(execFile)
const missing = await missingNix()
const options = { skip: missing, timeout: 120_000 }
const asRoot = { skip: missing || (process.getuid?.() === 0 ? false : 'needs root to mount a tmpfs'), timeout: 120_000 }

test('temp roots keep paths from the collector, and then a profile does', options, async t => {
  const stores = await Stores.of(t)
  const real = stores.real('a')
  const lib = await real.addText('lib', 'lib')
  const top = await real.addText('top', lib, [lib])
  const rooted = await real.addText('rooted', 'rooted')
  const loose = await real.addText('loose', 'loose')
  const store = await stores.open(real.root)
  const held = await store.holdTempRoots([top])
  await held.add(rooted)

  await real.nixStore('--gc')
  assert.deepEqual(await store.validPaths([lib, top, rooted, loose]), new Set([lib, top, rooted]))
  await assert.rejects(store.nar(loose), { code: 'path-unknown' })
  await assert.rejects(store.setProfile('system', loose), { code: 'path-unknown' })
  await assert.rejects(store.makeRoot('loose', loose), { code: 'path-unknown' })

  const link = await store.setProfile('system', top)
  assert.equal(link, join(store.stateDir, 'profiles/system'))
  await store.makeRoot('mine', rooted)
  await held.release()
  await assert.rejects(held.add(lib), { code: 'store-unavailable' })
  await real.nixStore('--gc')
  assert.deepEqual(await store.validPaths([lib, top, rooted]), new Set([lib, top, rooted]))

  await store.removeRoot('mine')
  await store.removeRoot('mine')
  await real.nixStore('--gc')
  assert.deepEqual(await store.validPaths([lib, top, rooted]), new Set([lib, top]))
})

test('temp roots survive their daemon: the next one holds them all', options, async t => {
  const stores = await Stores.of(t)
  const real = stores.real('a')
  const [one, two] = [await real.addText('one', '1'), await real.addText('two', '2')]
  const store = await stores.open(real.root)
  const held = await store.holdTempRoots([one])
  const { stdout } = await run('pgrep', ['-P', `${process.pid}`, '-f', `nix-daemon.*${real.root}`])
  for (const pid of stdout.trim().split('\n')) process.kill(Number(pid), 'SIGKILL')
  await held.add(two)
  await real.nixStore('--gc')
  assert.deepEqual(await store.validPaths([one, two]), new Set([one, two]))
  await held.release()
})

test('profiles have generations as Nix makes them', options, async t => {
  const stores = await Stores.of(t)
  const real = stores.real('a')
  const [one, two] = [await real.addText('one', '1'), await real.addText('two', '2')]
  const store = await stores.open(real.root)
  await store.setProfile('thymesh', one)
  await store.setProfile('thymesh', one)
  const link = await store.setProfile('thymesh', two)
  assert.equal(await readlink(link), 'thymesh-2-link')
  assert.equal(await readlink(join(store.stateDir, 'profiles/thymesh-1-link')), one)
  assert.equal(await readlink(join(store.stateDir, 'profiles/thymesh-2-link')), two)
  const { stdout } = await run('nix-env', ['--store', `local?root=${real.root}`, '-p', link, '--list-generations'])
  assert.match(stdout, /^\s*1 .*\n\s*2 .*\(current\)/)
  const elsewhere = join(stores.dir, 'profiles/elsewhere')
  await store.setProfile(elsewhere, one)
  assert.deepEqual(await readdir(join(stores.dir, 'profiles')), ['elsewhere', 'elsewhere-1-link'])
  await assert.rejects(store.setProfile('../up', one), { code: 'path-invalid' })
})

test('a path that is collected while it is read fails as unknown', options, async t => {
  const stores = await Stores.of(t)
  const real = stores.real('a')
  const path = await real.addText('lib', 'lib')
  const store = await stores.open(real.root)
  const nar = await store.nar(path)
  await real.nixStore('--delete', path)
  await assert.rejects(nar.readRange(0, nar.size), { code: 'path-unknown' })
  await assert.rejects(store.closure(path), { code: 'path-unknown' })
})

test('a full disk has an error of its own, and existing paths stay', asRoot, async t => {
  const stores = await Stores.of(t)
  const { file, publicKey } = await stores.key('test-1')
  const real = stores.real('a')
  const [small, large] = [
    await real.addText('small', 's'),
    await real.addText('large', randomBytes(30_000_000).toString('hex')),
  ]
  await real.sign(file, small, large)
  const a = await stores.open(real.root)

  const full = join(stores.dir, 'full')
  await mkdir(full)
  await run('mount', ['-t', 'tmpfs', '-o', 'size=24m', 'thymesh-test', full])
  try {
    const b = await stores.open(full, { trustedPublicKeys: [publicKey] })
    const free = await b.freeBytes()
    assert.ok(free > 0 && free <= 24 * 1024 * 1024, `${free} bytes are free`)
    const [smallInfo, largeInfo] = [await a.pathInfo(small), await a.pathInfo(large)]
    assert.ok(smallInfo !== undefined && largeInfo !== undefined)
    await b.import(smallInfo, (await a.nar(small)).stream())
    await assert.rejects(b.import(largeInfo, (await a.nar(large)).stream()), { code: 'disk-full' })
    assert.ok(await b.isValid(small))
    assert.equal(await b.isValid(large), false)
    await b.stop()
  } finally {
    await run('umount', ['-l', full])
  }
})
