/** Inputs that once were answered in a way of their own, kept as files: `test/fixtures/corpus/<target>/<hash>`. */

import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { sha256Hex } from '../../../protocol/encoding/hash.ts'
import { bundleTargets } from './bundles.ts'
import { documentTargets } from './documents.ts'
import { newsTargets } from './news.ts'
import { streamTargets } from './streams.ts'
import type { Target } from './target.ts'
import { textTargets } from './texts.ts'
import { workerTarget } from './worker.ts'

const fixtures = join(import.meta.dirname, '../../fixtures')
export const corpusDirectory = join(fixtures, 'corpus')
/** Larger inputs aren't kept: what they show, smaller ones show too. */
const maxKeptBytes = 1024
/** Of one target. */
const maxKept = 12

/** Every decoder that reads bytes from outside. */
export async function allTargets(): Promise<Target[]> {
  const recipe = await readFile(join(fixtures, 'recipe.v1.cbor'))
  return [
    ...documentTargets(recipe),
    ...streamTargets,
    ...newsTargets,
    ...textTargets,
    ...(await bundleTargets()),
    workerTarget,
  ]
}

/** A target's kept inputs. */
export async function corpusOf(target: Pick<Target, 'name'>): Promise<Uint8Array[]> {
  const directory = directoryOf(target)
  const names = await readdir(directory).catch(() => [])
  return Promise.all(names.sort().map(name => readFile(join(directory, name))))
}

/** Keeps inputs, as far as there is room; returns how many are new. */
export async function keep(target: Pick<Target, 'name'>, inputs: readonly Uint8Array[]): Promise<number> {
  const directory = directoryOf(target)
  const there = (await readdir(directory).catch(() => [])).length
  const small = inputs.filter(bytes => bytes.length <= maxKeptBytes).slice(0, Math.max(0, maxKept - there))
  if (small.length > 0) await mkdir(directory, { recursive: true })
  for (const bytes of small) await writeFile(join(directory, sha256Hex(bytes).slice(0, 16)), bytes)
  return small.length
}

function directoryOf({ name }: Pick<Target, 'name'>): string {
  return join(corpusDirectory, name.replaceAll(' ', '-'))
}
