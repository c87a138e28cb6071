/** Bundles and the bodies of their packs, as targets: a reader must refuse in its own words whatever a stick gives. */

import { Bundle } from '../../../node/bundle/bundle.ts'
import { verifyBundle } from '../../../node/bundle/verify-bundle.ts'
import { BundleError } from '../../../protocol/bundle/bundle-error.ts'
import { deltaEntryAt, deltaEntryBytes, encodeDeltaIndex } from '../../../protocol/bundle/delta-index.ts'
import { decodePackBody, encodePackBody } from '../../../protocol/bundle/pack.ts'
import { blockBytes, readUstarHeader, ustarHeader } from '../../../protocol/bundle/ustar.ts'
import { sha256 } from '../../../protocol/encoding/hash.ts'
import { archiveOf, MemorySource, smallBundle } from '../../helpers/memory-bundle.ts'
import { mutateBytes } from './mutate-bytes.ts'
import type { Random } from './random.ts'
import { type Target, UnstableError } from './target.ts'

export async function bundleTargets(): Promise<Target[]> {
  const { files, chunks, documents } = await smallBundle()
  const archive = await archiveOf(files)
  const items = chunks.map(bytes => ({ id: sha256(bytes), bytes: bytes.subarray(0, 40) }))
  const base = { recipe: sha256(Buffer.from('a recipe')), first: 3, count: 8 }
  const delta = { id: sha256(Buffer.from('a chunk')), pack: 1, offset: 100, packed: 900, length: 65_536, base }
  return [
    {
      name: 'bundle',
      seeds: [archive],
      refusals: [BundleError],
      mutate: mutateEntry,
      run: async bytes => {
        const bundle = await Bundle.from(new MemorySource(bytes))
        for (const entry of await bundle.find(chunks.map(chunk => sha256(chunk)))) {
          if (entry !== undefined) await bundle.chunk(entry)
        }
        for (const document of documents) await bundle.document(sha256(document))
        for await (const _ of bundle.members());
        await verifyBundle(new MemorySource(bytes))
        if (!archive.equals(bytes.subarray(0, archive.length))) throw new UnstableError('verified other bytes')
      },
    },
    {
      name: 'bundle pack',
      seeds: [encodePackBody(items)],
      refusals: [BundleError],
      run: bytes => {
        const read = decodePackBody(bytes)
        const again = read.map(({ id, offset, length }) => ({ id, bytes: bytes.subarray(offset, offset + length) }))
        if (!Buffer.from(encodePackBody(again)).equals(bytes)) throw new UnstableError('written otherwise than read')
      },
    },
    {
      name: 'bundle delta index',
      seeds: [encodeDeltaIndex([delta])],
      refusals: [BundleError],
      run: bytes => {
        if (bytes.length !== deltaEntryBytes) throw BundleError.malformed('expected one entry')
        if (!Buffer.from(encodeDeltaIndex([deltaEntryAt(bytes, 0)])).equals(bytes))
          throw new UnstableError('other bytes')
      },
    },
    {
      name: 'bundle header',
      seeds: [ustarHeader({ name: 'trust/root/1', size: 2100 })],
      refusals: [BundleError],
      run: bytes => {
        const entry = readUstarHeader(bytes)
        if (entry !== undefined && !Buffer.from(ustarHeader(entry)).equals(bytes))
          throw new UnstableError('other bytes')
      },
    },
  ]
}

/** Changes one block, and rights the checksum of its header if it is one. */
function mutateEntry(bytes: Uint8Array, random: Random): Uint8Array {
  const copy = Buffer.from(bytes)
  const block = copy.subarray(random.below(copy.length / blockBytes) * blockBytes).subarray(0, blockBytes)
  const changed = mutateBytes(block, random, block).subarray(0, block.length)
  block.set(changed)
  if (block.length < blockBytes || block.toString('latin1', 257, 262) !== 'ustar') return copy
  block.write('        ', 148, 'latin1')
  const sum = block.reduce((total, byte) => total + byte, 0)
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1')
  return copy
}
