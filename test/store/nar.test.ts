/** The NARs that are read from the store's files are, byte for byte, those that Nix writes. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { chmod, mkdir, rm, symlink, truncate, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { FileHandles } from '../../node/store/nar/file-handles.ts'
import { layOutNar } from '../../node/store/nar/nar-layout.ts'
import { NarReader } from '../../node/store/nar/nar-reader.ts'
import type { NarLayout } from '../../node/store/nar/nar-table.ts'
import { missingNix, Stores } from './real-stores.ts'

const notRoot = () => (process.getuid?.() === 0 ? false : 'needs root to become somebody else')
const skip = await missingNix()
const options = { skip, timeout: 120_000 }

async function oddTree(at: string): Promise<void> {
  await mkdir(join(at, 'empty-dir'), { recursive: true })
  await mkdir(join(at, 'bin/deeper/still'), { recursive: true })
  await writeFile(join(at, 'bin/run'), '#!/bin/sh\nexit 0\n')
  await chmod(join(at, 'bin/run'), 0o555)
  await chmod(join(at, 'bin'), 0o555)
  await writeFile(join(at, 'empty'), '')
  await writeFile(join(at, 'empty-run'), '', { mode: 0o755 })
  await writeFile(join(at, 'large'), randomBytes(3 * 1024 * 1024 + 5))
  for (let size = 1; size <= 17; size++) await writeFile(join(at, `size-${size}`), 'x'.repeat(size))
  // Order by bytes differs from order by UTF-16 units and by locale.
  for (const name of ['a', 'A', 'a.b', 'a-b', 'ab', 'ä', '\u{1f600}', '\uff5e', ' space ', 'new\nline', '~', '.dot']) {
    await writeFile(join(at, name), name)
  }
  await writeFile(Buffer.concat([Buffer.from(`${at}/`), Buffer.from([0x66, 0xff, 0xfe])]), 'not UTF-8')
  await writeFile(join(at, 'n'.repeat(255)), 'long name')
  await symlink('bin/run', join(at, 'link'))
  await symlink('/nowhere/at/all', join(at, 'dangling'))
  await symlink('bin', join(at, 'dir-link'))
  await symlink('t'.repeat(4000), join(at, 'long-link'))
}

test('a tree with everything in it has the NAR that Nix gives it', options, async t => {
  const stores = await Stores.of(t)
  const real = stores.real('a')
  const path = await real.add('odd', oddTree)
  const expected = await real.dump(path)
  const store = await stores.open(real.root)
  const nar = await store.nar(path)

  assert.equal(nar.size, expected.length)
  assert.ok(expected.equals(await nar.readRange(0, nar.size)))
  const hash = createHash('sha256')
  for await (const chunk of nar.stream()) hash.update(chunk)
  assert.equal(hash.digest('hex'), createHash('sha256').update(expected).digest('hex'))

  await t.test('in any range', async () => {
    const ranges = Array.from({ length: 400 }, () => {
      const start = Math.floor(Math.random() * expected.length)
      return { start, length: Math.floor(Math.random() ** 4 * (expected.length - start)) }
    })
    await Promise.all(
      ranges.map(async ({ start, length }) => {
        const got = await nar.readRange(start, length)
        assert.ok(expected.subarray(start, start + length).equals(got), `${length} bytes from ${start} on`)
      }),
    )
    for (let start = 0; start < 3000; start++) {
      assert.ok(expected.subarray(start, start + 9).equals(await nar.readRange(start, 9)), `9 bytes from ${start} on`)
    }
  })

  await t.test('in a stream of a part', async () => {
    const parts: Uint8Array[] = []
    for await (const chunk of nar.stream(1000, 2_000_001, 300_000)) parts.push(chunk)
    assert.ok(expected.subarray(1000, 2_000_001).equals(Buffer.concat(parts)))
  })

  await t.test('and not beyond its end', async () => {
    await assert.rejects(nar.readRange(nar.size, 1), RangeError)
    await assert.rejects(nar.readRange(-1, 1), RangeError)
    assert.equal((await nar.readRange(nar.size, 0)).length, 0)
  })
})

test('a single file, executable or not, and a single link are paths too', options, async t => {
  const stores = await Stores.of(t)
  const real = stores.real('a')
  const paths = [
    await real.addText('file', 'text'),
    await real.add('run', at => writeFile(at, 'text', { mode: 0o755 })),
    await real.add('nothing', at => writeFile(at, '')),
    await real.add('link', at => symlink('/etc/passwd', at)),
    await real.add('directory', async at => void (await mkdir(at))),
  ]
  const store = await stores.open(real.root)
  for (const path of paths) {
    const nar = await store.nar(path)
    assert.ok((await real.dump(path)).equals(await nar.readRange(0, nar.size)), path)
  }
})

test('what no NAR can hold is refused', options, async t => {
  const { dir } = await Stores.of(t)
  const server = createServer().listen(join(dir, 'socket'))
  t.after(() => server.close())
  await new Promise(resolve => server.on('listening', resolve))
  await assert.rejects(layOutNar(join(dir, 'socket')), { code: 'path-invalid' })
  await assert.rejects(layOutNar(dir), { code: 'path-invalid' })
  // Opened, it would wait for a writer.
  await promisify(execFile)('mkfifo', [join(dir, 'fifo')])
  await assert.rejects(layOutNar(join(dir, 'fifo')), { code: 'path-invalid' })
  await assert.rejects(layOutNar('/dev/null'), { code: 'path-invalid' })
  await assert.rejects(layOutNar(join(dir, 'nothing-here')), { code: 'path-unknown' })
  const deep = join(dir, 'deep')
  await mkdir(join(deep, ...Array.from({ length: 70 }, () => 'd')), { recursive: true })
  await assert.rejects(layOutNar(deep), { code: 'path-invalid' })
})

/** Where the contents of files begin in a NAR, in order. */
function fileStarts(layout: NarLayout): number[] {
  const nodes = Array.from({ length: layout.count }, (_, index) => layout.node(index))
  return nodes.filter(({ contentBytes }) => contentBytes > 0).map(({ start, head }) => start + head.length)
}

test('a file that changes or goes is noticed', options, async t => {
  const { dir } = await Stores.of(t)
  const at = join(dir, 'tree')
  await mkdir(at)
  for (const name of ['grown', 'shrunk', 'gone']) await writeFile(join(at, name), randomBytes(100_000))
  const layout = await layOutNar(at)
  const [gone = 0, grown = 0, shrunk = 0] = fileStarts(layout)
  await writeFile(join(at, 'grown'), randomBytes(100_001))
  await truncate(join(at, 'shrunk'), 50_000)
  await rm(join(at, 'gone'))
  const handles = new FileHandles()
  t.after(() => handles.closeUnused())
  const nar = new NarReader(layout, handles)
  await assert.rejects(nar.readRange(grown, 10), { code: 'path-invalid' })
  await assert.rejects(nar.readRange(shrunk, 10), { code: 'path-invalid' })
  await assert.rejects(nar.readRange(gone, 10), { code: 'path-unknown' })
})

test('a file of more than 4 GiB is laid out and read at any place', options, async t => {
  const { dir } = await Stores.of(t)
  const at = join(dir, 'tree')
  await mkdir(at)
  const size = 4 * 1024 ** 3 + 12_345
  // Sparse: it takes no disk.
  await writeFile(join(at, 'large'), '')
  await truncate(join(at, 'large'), size)
  await writeFile(join(at, 'z-after'), 'behind it')
  const layout = await layOutNar(at)
  const handles = new FileHandles()
  t.after(() => handles.closeUnused())
  const nar = new NarReader(layout, handles)
  assert.ok(nar.size > size)
  const start = fileStarts(layout)[0] ?? 0
  const length = Buffer.from(await nar.readRange(start - 8, 8))
  assert.equal(length.readBigUInt64LE(), BigInt(size))
  assert.ok(Buffer.from(await nar.readRange(start + size - 1_000, 1_000)).equals(Buffer.alloc(1_000)))
  const tail = Buffer.from(await nar.readRange(start + size, nar.size - start - size))
  assert.ok(tail.includes('z-after') && tail.includes('behind it'))
})

test('thousands of tiny files have the NAR that Nix gives them', options, async t => {
  const stores = await Stores.of(t)
  const real = stores.real('a')
  const path = await real.add('tiny', async at => {
    for (let folder = 0; folder < 50; folder++) {
      await mkdir(join(at, `d${folder}`), { recursive: true })
      await Promise.all(
        Array.from({ length: 100 }, (_, i) => writeFile(join(at, `d${folder}/f${i}`), `${folder} ${i}`)),
      )
    }
  })
  const store = await stores.open(real.root)
  const nar = await store.nar(path)
  assert.ok((await real.dump(path)).equals(await nar.readRange(0, nar.size)))
})

test('a file that must not be read is told as such', { ...options, skip: skip || notRoot() }, async t => {
  const { dir } = await Stores.of(t)
  await chmod(dir, 0o755)
  const at = join(dir, 'tree')
  await mkdir(at)
  await writeFile(join(at, 'secret'), 'x'.repeat(1000), { mode: 0o000 })
  // Root reads everything, so another user tries.
  const script = `
    const { layOutNar } = await import(${JSON.stringify(join(import.meta.dirname, '../../node/store/nar/nar-layout.ts'))})
    const { NarReader } = await import(${JSON.stringify(join(import.meta.dirname, '../../node/store/nar/nar-reader.ts'))})
    const { FileHandles } = await import(${JSON.stringify(join(import.meta.dirname, '../../node/store/nar/file-handles.ts'))})
    process.setgid(65534)
    process.setuid(65534)
    const layout = await layOutNar(${JSON.stringify(at)})
    const nar = new NarReader(layout, new FileHandles())
    const error = await nar.readRange(0, nar.size).then(() => undefined, thrown => thrown)
    console.log(JSON.stringify([error?.code, error?.message]))`
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script])
  const [code, message] = JSON.parse(stdout)
  assert.equal(code, 'store-unavailable')
  assert.match(message, /secret/)
})

test('no more than a few files stay open', options, async t => {
  const { dir } = await Stores.of(t)
  const at = join(dir, 'tree')
  await mkdir(at)
  for (let i = 0; i < 50; i++) await writeFile(join(at, `f${i}`), randomBytes(1000))
  const handles = new FileHandles({ maxOpen: 4 })
  const nar = new NarReader(await layOutNar(at), handles)
  const chunks: Uint8Array[] = []
  for await (const chunk of nar.stream(0, nar.size, 777)) {
    chunks.push(chunk)
    assert.ok(handles.open <= 8, `${handles.open} files are open`)
  }
  assert.equal(Buffer.concat(chunks).length, nar.size)
  assert.ok(handles.open <= 4)
  await handles.closeUnused()
  assert.equal(handles.open, 0)
})
