/** Bundles that are whole, and those that a worn-out stick or an attacker would hand in. */

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { constants, zstdCompressSync } from 'node:zlib'
import type { BundleFile } from '../../protocol/bundle/bundle-files.ts'
import { encodeIndex } from '../../protocol/bundle/chunk-index.ts'
import { encodePackBody } from '../../protocol/bundle/pack.ts'
import { blockBytes, paddingOf, ustarHeader } from '../../protocol/bundle/ustar.ts'
import { sha256 } from '../../protocol/encoding/hash.ts'
import { limits } from '../../protocol/limits.ts'
import { archiveOf, MemorySource, type SmallBundle, smallBundle } from '../../test/helpers/memory-bundle.ts'
import { Bundle } from './bundle.ts'
import { BundleWriter } from './bundle-writer.ts'
import { openByteSource } from './byte-source.ts'
import { packed } from './packing.ts'
import { verifyBundle } from './verify-bundle.ts'

const good = await smallBundle()
const archive = await archiveOf(good.files)
const golden = join(import.meta.dirname, '../../test/fixtures/bundle-v1/small.thymesh')

describe('a bundle', () => {
  it('has the bytes of version 1', async () => {
    const bytes = await readFile(golden)
    const bundle = await Bundle.from(new MemorySource(bytes))
    const contents: [BundleFile, Uint8Array][] = []
    for (const { file, offset, size } of bundle.places) {
      if (file.kind !== 'end') contents.push([file, bytes.subarray(offset, offset + size)])
    }
    assert.ok((await archiveOf(contents)).equals(bytes), 'a changed format needs a new version')
    for (const chunk of good.chunks) assert.deepEqual(await chunkOf(bundle, chunk), chunk)
    for (const document of good.documents) {
      assert.deepEqual(Buffer.from((await bundle.document(sha256(document))) ?? []), Buffer.from(document))
    }
  })

  it('is an archive that tar lists and unpacks', async t => {
    const folder = await mkdtemp(join(tmpdir(), 'thymesh-bundle-'))
    t.after(() => rm(folder, { recursive: true, force: true }))
    await writeFile(join(folder, 'b.thymesh'), archive)
    const names = execFileSync('tar', ['tf', 'b.thymesh'], { cwd: folder, encoding: 'utf8' }).trim().split('\n')
    assert.deepEqual([names[0], names.at(-1)], ['bundle.json', 'end'])
    assert.equal(archive.toString('latin1', 257, 265), 'ustar\x0000', 'by which programs recognise it')
    execFileSync('tar', ['xf', 'b.thymesh'], { cwd: folder })
    assert.equal(await readFile(join(folder, 'readme.txt'), 'utf8'), 'read me\n')
  })

  it('gives chunks and documents by hash, and nothing for other hashes', async () => {
    const source = new MemorySource(archive)
    const bundle = await Bundle.from(source)
    for (const chunk of good.chunks) assert.deepEqual(await chunkOf(bundle, chunk), chunk)
    assert.deepEqual(await bundle.find([sha256(Buffer.from('none'))]), [undefined])
    assert.equal(await bundle.document(sha256(Buffer.from('none'))), undefined)
    await bundle.close()
    assert.ok(source.closed)
  })

  it('is verified as a whole, wherever it lies', async () => {
    assert.equal(await verifyBundle(new MemorySource(archive)), archive.length)
    // Written straight to a block device, it is followed by what was there before.
    const raw = new MemorySource(Buffer.concat([archive, Buffer.alloc(100_000, 'old')]))
    assert.equal(await verifyBundle(raw), archive.length)
  })

  it('is refused when it is cut off anywhere', async () => {
    const { places } = await Bundle.from(new MemorySource(archive))
    const borders = places.flatMap(({ headerOffset, offset, size }) => [headerOffset, offset, offset + size])
    const cuts = [...borders, ...Array.from({ length: 50 }, (_, i) => Math.floor((archive.length - 1025) * (i / 50)))]
    for (const cut of cuts.filter(at => at < archive.length - 1024)) {
      const code = cut === 0 ? 'not-a-bundle' : /truncated|not-a-bundle|malformed/
      await assert.rejects(Bundle.from(new MemorySource(archive.subarray(0, cut))), (thrown: { code: string }) =>
        typeof code === 'string' ? thrown.code === 'not-a-bundle' || cut === 0 : code.test(thrown.code),
      )
    }
  })

  it('is found out by verify if a single bit differs', async () => {
    for (let at = 0; at < archive.length; at += 397) {
      const spoilt = Uint8Array.from(archive)
      spoilt[at] = (spoilt[at] ?? 0) ^ 1
      await assert.rejects(verifyBundle(new MemorySource(spoilt)), `the byte at ${at}`)
    }
  })

  const refused: Record<string, [make: () => Promise<Uint8Array> | Uint8Array, code: string]> = {
    'other bytes': [() => Buffer.alloc(4096, 'x'), 'not-a-bundle'],
    'an empty file': [() => new Uint8Array(), 'not-a-bundle'],
    zeros: [() => new Uint8Array(8192), 'truncated'],
    'a tar archive of something else': [() => raw([['letter.txt', Buffer.from('dear')]]), 'malformed'],
    'no end': [() => withoutEnd(), 'truncated'],
    'a name that climbs': [() => rawNamed('../../etc/passwd'), 'malformed'],
    'an absolute name': [() => rawNamed('/etc/passwd'), 'malformed'],
    'a name with a dot folder': [() => rawNamed('trust/./root'), 'malformed'],
    'a name of 101 characters': [() => patched(0, Buffer.alloc(101, 'a')), 'not-a-bundle'],
    'a name that no version has': [() => rawNamed('trust/extra'), 'malformed'],
    'a name twice': [() => archiveWith(files => [...files.slice(0, 2), files[1], ...files.slice(2)]), 'malformed'],
    'files in another order': [() => archiveWith(files => [files[1], files[0], ...files.slice(2)]), 'malformed'],
    'a gap in the roots': [() => rooted(2), 'malformed'],
    'no metadata': [() => archiveWith(files => files.filter(([{ kind }]) => kind !== 'timestamp')), 'malformed'],
    'a symbolic link': [() => typed('2'), 'not-a-bundle'],
    'a hard link': [() => typed('1'), 'not-a-bundle'],
    'a device': [() => typed('3'), 'not-a-bundle'],
    'a folder': [() => typed('5'), 'not-a-bundle'],
    'a FIFO': [() => typed('6'), 'not-a-bundle'],
    'a pax header': [() => typed('x'), 'not-a-bundle'],
    'a long name of GNU tar': [() => typed('L'), 'not-a-bundle'],
    'a sparse file of GNU tar': [() => typed('S'), 'not-a-bundle'],
    'a size in base 256': [() => patched(124, Buffer.from([0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1])), 'not-a-bundle'],
    'a size with a sign': [() => patched(124, Buffer.from('-0000000001\0')), 'not-a-bundle'],
    'a size of more digits than the field has': [() => patched(124, Buffer.from('777777777777')), 'not-a-bundle'],
    'the largest size that a header can say': [() => patched(124, Buffer.from('77777777777\0')), 'too-large'],
    'a time, such as 1980': [() => patched(136, Buffer.from('02263345000\0')), 'not-a-bundle'],
    'a wrong checksum': [() => patched(148, Buffer.from('000000\0 ')), 'not-a-bundle'],
    'an owner': [() => patched(108, Buffer.from('0001750\0')), 'not-a-bundle'],
    'a file beyond its limit': [() => replaced('manifest', Buffer.alloc(limits.bundleText + 1, ' ')), 'too-large'],
    'a size that lies beyond the end': [() => lyingSize(), 'truncated'],
    'a bundle.json that is no JSON': [() => replaced('manifest', Buffer.from('{')), 'malformed'],
    'a bundle.json of version 2': [() => replaced('manifest', Buffer.from('{"v":2}')), 'malformed'],
    'half an index entry': [() => replaced('index', Buffer.alloc(45)), 'malformed'],
    'too many roots': [() => manyRoots(), 'too-large'],
    'too many packs of certificates': [() => manyMembers(), 'too-large'],
  }
  for (const [what, [make, code]] of Object.entries(refused)) {
    it(`is refused: ${what}`, async () => {
      const source = new MemorySource(await make())
      await assert.rejects(Bundle.from(source), { code })
      assert.ok(source.closed)
    })
  }
})

describe('the packs of a bundle', () => {
  it('are not unpacked beyond their limit', async () => {
    const bomb = zstdCompressSync(Buffer.alloc(limits.bundlePack + 1))
    assert.ok(bomb.length < 2000)
    await refusedChunk(bomb, 'damaged')
  })

  it('may not require a larger window', async () => {
    const params = { [constants.ZSTD_c_windowLog]: 27, [constants.ZSTD_c_enableLongDistanceMatching]: 1 }
    await refusedChunk(zstdCompressSync(Buffer.alloc(4096), { params, pledgedSrcSize: undefined }), 'damaged')
  })

  it('are refused when they are no zstd', () => refusedChunk(Buffer.from('no zstd'), 'damaged'))

  it('don’t give a chunk under another ID', async () => {
    const body = encodePackBody([{ id: sha256(good.chunks[0] ?? Buffer.of()), bytes: Buffer.alloc(3000, 'z') }])
    await refusedChunk(await packed(body), 'damaged')
  })

  it('of documents must have a list that fits them', async () => {
    for (const body of [Buffer.alloc(3), Buffer.from('ffffffff', 'hex'), Buffer.from('0000000100', 'hex')]) {
      const bundle = await Bundle.from(new MemorySource(await replaced('documents', await packed(body))))
      await assert.rejects(bundle.document(sha256(Buffer.from('x'))), { code: 'malformed' })
    }
  })

  it('are not read where the index points beyond them', async () => {
    const id = sha256(good.chunks[0] ?? Buffer.of())
    for (const wrong of [
      { id, pack: 7, offset: 0, length: 10 },
      { id, pack: 0, offset: 4_000_000_000, length: 10 },
      { id, pack: 0, offset: 0, length: 4_000_000_000 },
    ]) {
      const bundle = await Bundle.from(new MemorySource(await replaced('index', encodeIndex([wrong]))))
      const [entry] = await bundle.find([id])
      assert.ok(entry)
      await assert.rejects(bundle.chunk(entry), { code: 'damaged' })
    }
  })

  it('are found to lie by verify, where index and packs differ', async () => {
    const wrong = encodeIndex([{ id: sha256(good.chunks[0] ?? Buffer.of()), pack: 0, offset: 40, length: 10 }])
    await assert.rejects(verifyBundle(new MemorySource(await replaced('index', wrong))), { code: 'damaged' })
  })

  it('are hashed at each read: a stick that changes meanwhile gives nothing', async () => {
    const source = new MemorySource(Uint8Array.from(archive))
    const bundle = await Bundle.from(source)
    const ids = good.chunks.map(chunk => sha256(chunk))
    const entries = await bundle.find(ids)
    source.bytes = await replaced('chunks', await packed(Buffer.alloc(9000, 'other')))
    for (const entry of entries.slice(0, 2)) {
      assert.ok(entry)
      await assert.rejects(bundle.chunk(entry))
    }
  })
})

describe('what is opened as a bundle', () => {
  it('is a file or a block device, not a folder or a FIFO', async t => {
    const folder = await mkdtemp(join(tmpdir(), 'thymesh-bundle-'))
    t.after(() => rm(folder, { recursive: true, force: true }))
    execFileSync('mkfifo', [join(folder, 'fifo')])
    await assert.rejects(openByteSource(folder), { code: 'not-a-bundle' })
    await assert.rejects(openByteSource(join(folder, 'fifo')), { code: 'not-a-bundle' })
    await assert.rejects(openByteSource('/dev/null'), { code: 'not-a-bundle' })
  })
})

describe('the writer', () => {
  it('refuses files that the reader would refuse', async () => {
    const writer = new BundleWriter({ write: async () => {} })
    await assert.rejects(writer.add({ kind: 'index' }, new Uint8Array()), { code: 'malformed' })
  })
})

async function chunkOf(bundle: Bundle, chunk: Uint8Array): Promise<Buffer> {
  const [entry] = await bundle.find([sha256(chunk)])
  assert.ok(entry)
  return Buffer.from(await bundle.chunk(entry))
}

/** A bundle whose first pack of chunks has this content gives no chunk of it. */
async function refusedChunk(content: Uint8Array, code: string): Promise<void> {
  const bundle = await Bundle.from(new MemorySource(await replaced('chunks', content)))
  const [entry] = await bundle.find([sha256(good.chunks[0] ?? Buffer.of())])
  assert.ok(entry)
  await assert.rejects(bundle.chunk(entry), { code })
}

/** The first file of a kind with another content. */
async function replaced(kind: BundleFile['kind'], content: Uint8Array): Promise<Buffer> {
  const at = good.files.findIndex(([file]) => file.kind === kind)
  return raw(good.files.map(([file, bytes], i) => [nameOf(file), i === at ? content : bytes]))
}

/** Files in any order, without the writer's checks. */
async function archiveWith(change: (files: SmallBundle['files']) => (SmallBundle['files'][number] | undefined)[]) {
  return raw(change(good.files).flatMap(entry => (entry ? [[nameOf(entry[0]), entry[1]]] : [])))
}

/** An archive with correct headers and an end; `size` may lie. */
function raw(files: readonly [name: string, content: Uint8Array, size?: number][], end = true): Buffer {
  const parts = files.flatMap(([name, content, size = content.length]) => [
    named(name, size),
    content,
    new Uint8Array(paddingOf(content.length)),
  ])
  const before = Buffer.concat(parts)
  if (!end) return Buffer.concat([before, new Uint8Array(1024)])
  const closing = Buffer.alloc(40)
  closing.set(sha256(before))
  closing.writeBigUInt64BE(BigInt(before.length), 32)
  return Buffer.concat([before, named('end', 40), closing, new Uint8Array(paddingOf(40) + 1024)])
}

/** A header with any name, its checksum right. */
function named(name: string, size: number): Buffer {
  const header = Buffer.from(ustarHeader({ name: 'x', size }))
  header.fill(0, 0, 100).write(name, 0, 'latin1')
  return resummed(header)
}

function resummed(header: Buffer): Buffer {
  header.write('        ', 148, 'latin1')
  const sum = header.reduce((total, byte) => total + byte, 0)
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1')
  return header
}

/** The good archive with other bytes in its first header, whose checksum is right unless it is what differs. */
function patched(at: number, bytes: Uint8Array): Buffer {
  const copy = Buffer.from(archive)
  copy.set(bytes, at)
  if (at !== 148) resummed(copy.subarray(0, blockBytes))
  return copy
}

function typed(flag: string): Buffer {
  return patched(156, Buffer.from(flag))
}

function rawNamed(name: string): Buffer {
  const [first, ...others] = good.files.map(([file, bytes]): [string, Uint8Array] => [nameOf(file), bytes])
  return raw([...(first ? [first] : []), [name, Buffer.from('evil')], ...others])
}

function withoutEnd(): Buffer {
  return raw(
    good.files.map(([file, bytes]) => [nameOf(file), bytes]),
    false,
  )
}

function rooted(version: number): Buffer {
  return raw(good.files.map(([file, bytes]) => [file.kind === 'root' ? `trust/root/${version}` : nameOf(file), bytes]))
}

function manyRoots(): Buffer {
  const [manifest, readme] = good.files.map(([file, bytes]): [string, Uint8Array] => [nameOf(file), bytes])
  const roots = Array.from({ length: limits.rootRotations + 1 }, (_, i): [string, Uint8Array] => [
    `trust/root/${i + 1}`,
    Buffer.from('r'),
  ])
  return raw([...[manifest, readme].flatMap(entry => (entry ? [entry] : [])), ...roots])
}

function manyMembers(): Buffer {
  const files = good.files.map(([file, bytes]): [string, Uint8Array] => [nameOf(file), bytes])
  const members = Array.from({ length: limits.bundleMemberPacks + 1 }, (_, i): [string, Uint8Array] => [
    `members/${String(i).padStart(6, '0')}.zst`,
    Buffer.from('m'),
  ])
  const at = good.files.findIndex(([{ kind }]) => kind === 'documents')
  return raw([...files.slice(0, at), ...members, ...files.slice(at)])
}

function lyingSize(): Buffer {
  return raw(
    good.files.map(([file, bytes]) => [nameOf(file), bytes, file.kind === 'chunks' ? 8_000_000 : bytes.length]),
  )
}

function nameOf(file: BundleFile): string {
  const place = places.find(([known]) => JSON.stringify(known) === JSON.stringify(file))
  assert.ok(place)
  return place[1]
}

/** The names are written out, so that a change of them is seen. */
const places: readonly [BundleFile, string][] = [
  [{ kind: 'manifest' }, 'bundle.json'],
  [{ kind: 'readme' }, 'readme.txt'],
  [{ kind: 'root', version: 1 }, 'trust/root/1'],
  [{ kind: 'timestamp' }, 'trust/timestamp'],
  [{ kind: 'snapshot' }, 'trust/snapshot'],
  [{ kind: 'targets' }, 'trust/targets'],
  [{ kind: 'delegated', role: 'members' }, 'trust/roles/members'],
  [{ kind: 'documents', number: 0 }, 'documents/000000.zst'],
  [{ kind: 'chunks', number: 0 }, 'chunks/000000.zst'],
  [{ kind: 'chunks', number: 1 }, 'chunks/000001.zst'],
  [{ kind: 'index' }, 'index'],
]
