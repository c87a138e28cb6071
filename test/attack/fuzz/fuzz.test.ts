/** No decoder that reads bytes from outside falls over: what was found before, and some seconds of new inputs. */

import assert from 'node:assert/strict'
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { allTargets, corpusDirectory, corpusOf } from './corpus.ts'
import { fuzz } from './fuzz.ts'

const targets = await allTargets()
/** For all of them together, in milliseconds. `scripts/attack --fuzz-seconds` takes longer. */
const timeMs = 12_000

describe('decoders of bytes from outside', () => {
  for (const target of targets) {
    it(`${target.name}: refuse in their own words, soon, and read again what they write`, async () => {
      const corpus = await corpusOf(target)
      const { crashes, inputs } = await fuzz(target, { seed: 1, milliseconds: timeMs / targets.length, corpus })
      assert.ok(inputs > target.seeds.length + corpus.length)
      const shown = crashes.map(({ reason, input }) => `${reason}: ${Buffer.from(input).toString('base64')}`)
      assert.deepEqual(shown, [])
    })
  }
})

describe('the corpus', () => {
  it('is small, and each of it belongs to a decoder', async () => {
    const names = new Set(targets.map(({ name }) => name.replaceAll(' ', '-')))
    let bytes = 0
    for (const name of await readdir(corpusDirectory)) {
      assert.ok(names.has(name), `${name} is none of the decoders`)
      for (const file of await readdir(join(corpusDirectory, name))) {
        bytes += (await stat(join(corpusDirectory, name, file))).size
      }
    }
    assert.ok(bytes < 300_000, `${bytes} bytes`)
  })
})
