/** What a report says by the way, where not all of it fits. */

import assert from 'node:assert/strict'
import { it } from 'node:test'
import { FormatError } from '../../protocol/encoding/cbor.ts'
import type { Extensions } from '../../protocol/encoding/extensions.ts'
import { signedWithWhatFits } from './what-fits.ts'

const sign = (extensions: Extensions) => {
  const text = JSON.stringify(extensions)
  if (text.length > 60) throw new FormatError('too-large', 'too large')
  return Buffer.from(text)
}
const said = (parts: readonly Extensions[]) =>
  JSON.parse(Buffer.from(signedWithWhatFits(sign, parts).envelope).toString())

it('all is said where it fits', () => {
  assert.deepEqual(said([{ key: 'a' }, { metrics: [1] }]), { key: 'a', metrics: [1] })
  assert.deepEqual(said([]), {})
})

it('a part that is too large takes no other with it', () => {
  const large = { metrics: 'x'.repeat(60) }
  assert.deepEqual(said([{ key: 'a' }, large, { marks: 'b' }]), { key: 'a', marks: 'b' })
  assert.deepEqual(said([large, { key: 'a' }]), { key: 'a' })
})

it('what is left out is named', () => {
  const large = { metrics: 'x'.repeat(60) }
  assert.deepEqual(signedWithWhatFits(sign, [{ key: 'a' }, large]).leftOut, ['metrics'])
  assert.deepEqual(signedWithWhatFits(sign, [{ key: 'a' }]).leftOut, [])
})

it('the first come first', () => {
  const half = (name: string) => ({ [name]: 'x'.repeat(30) })
  assert.deepEqual(said([half('key'), half('metrics'), { marks: 1 }]), { ...half('key'), marks: 1 })
})

it('another error is no question of size', () => {
  const broken = () => {
    throw new RangeError('a bug')
  }
  assert.throws(() => signedWithWhatFits(broken, [{}]), RangeError)
})
