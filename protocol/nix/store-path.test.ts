/** Which texts are store paths, and what they are made of. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isStorePath, parseStorePath, storePathBaseName, storePathSchema } from './store-path.ts'

const HASH = 'ab3li50xq0nl4q5lxdyinb8w8y13my9s'
const at = (name: string) => `/nix/store/${HASH}-${name}`

test('takes a store path apart', () => {
  const path = at('glibc-2.36')
  assert.deepEqual(parseStorePath(path), { hashPart: HASH, name: 'glibc-2.36' })
  assert.equal(storePathBaseName(path), `${HASH}-glibc-2.36`)
  assert.equal(storePathSchema.parse(path), path)
})

test('knows the names that Nix allows', () => {
  for (const name of ['a', 'a+b', 'x-._?=+Z9', '.gitignore', '...', '..a', 'n'.repeat(211)]) {
    assert.ok(isStorePath(at(name)), name)
  }
  for (const name of ['', '.', '..', '.-a', '..-a', 'a b', 'a/b', 'a\n', 'ä', 'a~', 'a%', 'n'.repeat(212)]) {
    assert.ok(!isStorePath(at(name)), name)
  }
})

test('refuses other folders, short hashes and foreign digits', () => {
  for (const path of [
    `/nix/stores/${HASH}-a`,
    `nix/store/${HASH}-a`,
    `/nix/store/${HASH.slice(1)}-a`,
    `/nix/store/${HASH.replace('3', 'e')}-a`,
    `/nix/store/${HASH}`,
    `/nix/store/../store/${HASH}-a`,
  ]) {
    assert.throws(() => parseStorePath(path), { code: 'store-path-invalid' }, path)
  }
})
