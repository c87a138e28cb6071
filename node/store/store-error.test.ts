/** Which code each of Nix's sentences gets. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { storeErrorFromDaemon, storeErrorFromFile } from './store-error.ts'

const PATH = '/nix/store/ab3li50xq0nl4q5lxdyinb8w8y13my9s-f'

test('the words of Nix 2.8 and newer become codes', () => {
  const cases: [string, string][] = [
    [`cannot add path '${PATH}' because it lacks a valid signature`, 'signature-refused'],
    [`cannot add path '${PATH}' because it lacks a signature by a trusted key`, 'signature-refused'],
    ['signature is not valid', 'signature-refused'],
    [`hash mismatch importing path '${PATH}';\n  specified: sha256:a\n  got: sha256:b`, 'nar-mismatch'],
    [`size mismatch importing path '${PATH}'`, 'nar-mismatch'],
    ["bad archive: input doesn't look like a Nix archive", 'nar-mismatch'],
    ['non-zero padding', 'nar-mismatch'],
    [`path '${PATH}' is not valid`, 'reference-missing'],
    ['writing to file: No space left on device', 'disk-full'],
    [`executing SQLite query: database or disk is full (in '/nix/var/nix/db/db.sqlite')`, 'disk-full'],
    [`path '/tmp' is not in the Nix store`, 'path-invalid'],
    ['something new', 'daemon-refused'],
  ]
  for (const [text, code] of cases) assert.equal(storeErrorFromDaemon(text, 'import').code, code, text)
  assert.equal(storeErrorFromDaemon(`path '${PATH}' is not valid`, 'query').code, 'path-unknown')
})

test('the text stays, without colours and the word error', () => {
  const error = storeErrorFromDaemon('\u001b[31;1merror:\u001b[0m \u001b[35;1mhm\u001b[0m\n', 'query')
  assert.equal(error.message, 'The Nix store answered: hm')
})

test('errors of files keep their cause', () => {
  const cause = Object.assign(new Error('gone'), { code: 'ENOENT' })
  const error = storeErrorFromFile(cause, PATH)
  assert.equal(error.code, 'path-unknown')
  assert.equal(error.cause, cause)
  assert.equal(storeErrorFromFile(Object.assign(new Error(), { code: 'EACCES' }), PATH).code, 'store-unavailable')
  assert.equal(storeErrorFromFile(Object.assign(new Error(), { code: 'EIO' }), PATH).code, 'nar-mismatch')
})
