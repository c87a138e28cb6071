/** Any range of any tree's NAR is what the format says, read from the files: properties, over trees of random names and sizes. */

import assert from 'node:assert/strict'
import { chmod, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import fc from 'fast-check'
import { FileHandles } from './file-handles.ts'
import { layOutNar, layOutNarSync } from './nar-layout.ts'
import { NarReader } from './nar-reader.ts'
import { readNarSync } from './read-nar-sync.ts'

type Tree = { file: Uint8Array; executable: boolean } | { link: string } | { entries: [Buffer, Tree][] }

/** Names as a file system takes them, UTF-8 or not. */
const name = fc.uint8Array({ minLength: 1, maxLength: 20 }).map(bytes => {
  const clean = Buffer.from(bytes.map(byte => (byte === 0 || byte === 0x2f ? 0x61 : byte)))
  return clean.equals(Buffer.from('.')) || clean.equals(Buffer.from('..')) ? Buffer.from('dot') : clean
})

const leaf: fc.Arbitrary<Tree> = fc.oneof(
  // Around the padding of eight bytes, and empty.
  fc.record({ file: fc.uint8Array({ maxLength: 20 }), executable: fc.boolean() }),
  fc.record({ file: fc.nat({ max: 70_000 }).map(size => Buffer.alloc(size, `${size} `)), executable: fc.boolean() }),
  fc.record({ link: fc.string({ minLength: 1, maxLength: 40 }).map(target => target.replaceAll('\0', '0')) }),
)

const { tree } = fc.letrec<{ tree: Tree }>(tie => ({
  tree: fc.oneof(
    { depthSize: 'small' },
    leaf,
    fc
      .uniqueArray(fc.tuple(name, tie('tree')), { maxLength: 6, selector: ([each]) => each.toString('hex') })
      .map(entries => ({ entries })),
  ),
}))

/** The format as the thesis has it (figure 5.2), with nothing of what is tested. */
function narOf(root: Tree): Buffer {
  const text = (value: string | Uint8Array) => {
    const bytes = Buffer.from(value as string)
    const head = Buffer.alloc(8)
    head.writeBigUInt64LE(BigInt(bytes.length))
    return Buffer.concat([head, bytes, Buffer.alloc((8 - (bytes.length % 8)) % 8)])
  }
  const texts = (...all: (string | Uint8Array)[]) => Buffer.concat(all.map(text))
  const node = (each: Tree): Buffer => {
    if ('link' in each) return texts('(', 'type', 'symlink', 'target', each.link, ')')
    if ('file' in each) {
      const executable = each.executable ? ['executable', ''] : []
      return texts('(', 'type', 'regular', ...executable, 'contents', each.file, ')')
    }
    const entries = each.entries.toSorted(([a], [b]) => Buffer.compare(a, b))
    const parts = entries.map(([called, child]) =>
      Buffer.concat([texts('entry', '(', 'name', called, 'node'), node(child), texts(')')]),
    )
    return Buffer.concat([texts('(', 'type', 'directory'), ...parts, texts(')')])
  }
  return Buffer.concat([texts('nix-archive-1'), node(root)])
}

async function write(at: Buffer, each: Tree): Promise<void> {
  if ('link' in each) return await symlink(each.link, at)
  if ('file' in each) {
    await writeFile(at, each.file)
    return await chmod(at, each.executable ? 0o755 : 0o644)
  }
  await mkdir(at)
  for (const [called, child] of each.entries) await write(Buffer.concat([at, Buffer.from('/'), called]), child)
}

describe('the NAR of any tree', () => {
  let directory = ''
  let made = 0
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'thymesh-nar-'))
  })
  after(() => rm(directory, { recursive: true, force: true }))

  it('is what the format says: whole, in any range, and in a stream of any part', async () => {
    const fractions = fc.array(
      fc.tuple(fc.double({ min: 0, max: 1, noNaN: true }), fc.double({ min: 0, max: 1, noNaN: true })),
      {
        minLength: 1,
        maxLength: 8,
      },
    )
    await fc.assert(
      fc.asyncProperty(tree, fractions, fc.integer({ min: 1, max: 5000 }), async (root, ranges, piece) => {
        const at = join(directory, String(made++))
        await write(Buffer.from(at), root)
        const expected = narOf(root)
        const handles = new FileHandles()
        const nar = new NarReader(await layOutNar(at), handles)
        assert.equal(nar.size, expected.length)
        assert.ok(expected.equals(await nar.readRange(0, nar.size)))
        const layout = layOutNarSync(at)
        assert.equal(layout.size, expected.length)
        for (const [from, share] of ranges) {
          const start = Math.floor(from * expected.length)
          const length = Math.floor(share * (expected.length - start))
          const wanted = expected.subarray(start, start + length)
          assert.ok(wanted.equals(await nar.readRange(start, length)), `${length} bytes from ${start} on`)
          const here = Buffer.alloc(length)
          readNarSync(layout, here, start)
          assert.ok(wanted.equals(here), `${length} bytes from ${start} on, without waiting`)
          const parts: Uint8Array[] = []
          for await (const part of nar.stream(start, start + length, piece)) parts.push(part)
          assert.ok(wanted.equals(Buffer.concat(parts)), `a stream of ${length} bytes from ${start} on`)
        }
        await handles.closeUnused()
        await rm(at, { recursive: true })
      }),
      { numRuns: 60 },
    )
  })
})

it('a tree of many files takes a small table, whatever the length of its NAR', async t => {
  const directory = await mkdtemp(join(tmpdir(), 'thymesh-many-'))
  t.after(() => rm(directory, { recursive: true, force: true }))
  const count = 600
  for (let file = 0; file < count; file++) await writeFile(join(directory, `some-file-${file}`), 'x')
  const { memoryBytes, size } = await layOutNar(directory)
  assert.ok(memoryBytes < count * 60, `${memoryBytes} bytes`)
  assert.ok(size > (10 * memoryBytes) / 3)
})

it('a layout keeps what it says, and no slab of small buffers', async t => {
  const directory = await mkdtemp(join(tmpdir(), 'thymesh-few-'))
  t.after(() => rm(directory, { recursive: true, force: true }))
  await writeFile(join(directory, 'a file'), 'x')
  setFlagsFromString('--expose-gc')
  const collect: () => void = runInNewContext('gc')
  const buffers = () => {
    // What one frees is counted by the next.
    for (let round = 0; round < 3; round++) collect()
    return process.memoryUsage().arrayBuffers
  }
  const before = buffers()
  const kept = Array.from({ length: 200 }, () => {
    const layout = layOutNarSync(directory)
    // What others do meanwhile: the next layout begins in another slab.
    for (let part = 0; part < 4; part++) Buffer.from('x'.repeat(Buffer.poolSize / 4))
    return layout
  })
  const growth = buffers() - before
  const said = kept.reduce((sum, { memoryBytes }) => sum + memoryBytes, 0)
  assert.ok(growth < said && said < 200 * 4096, `${growth} bytes held, ${said} said`)
})
