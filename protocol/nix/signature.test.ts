/** Signatures and keys against what Nix 2.8 wrote, and what must not verify. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decodeNix32 } from '../../test/helpers/nix32.ts'
import {
  fingerprint,
  formatNixPublicKey,
  formatNixSecretKey,
  generateNixSecretKey,
  parseNixPublicKey,
  parseNixSecretKey,
  signPath,
  verifyPath,
} from './signature.ts'

// Made by `nix-store --generate-binary-cache-key`, `nix-store --add` and `nix store sign` of Nix 2.8.0 for this test.
const SECRET = 'test-1:mxIvAQoUsUDvPx4ukFYqwgW6FvGFsEoPuf/O3n8N7wNoc0ptKntQwRYRwxlR3fObSXEqa1vM1I4w8NCoi/J3aA=='
const PUBLIC = 'test-1:aHNKbSp7UMEWEcMZUd3zm0lxKmtbzNSOMPDQqIvyd2g='
const SIGNATURE = 'test-1:xMMsqlIp6Cg5sga0zsrjRV8s0Ag+ifr+RS9+pv/FGcerC7jdBix94Ibgyiap7CUfQk/5YHlW+7mNMByZ9/fTDg=='
const INFO = {
  path: '/nix/store/ab3li50xq0nl4q5lxdyinb8w8y13my9s-f',
  narHash: Buffer.from('EFUdrtf6Rn0LWIJufrmg8q99aT3jGfLvd1//zaJEufY=', 'base64'),
  narSize: 120,
  references: [] as string[],
}

test('makes the signature that Nix makes', () => {
  assert.equal(signPath(INFO, parseNixSecretKey(SECRET)), SIGNATURE)
  assert.ok(verifyPath(INFO, SIGNATURE, [parseNixPublicKey(PUBLIC)]))
})

test('keys come back as they were read', () => {
  const secret = parseNixSecretKey(`${SECRET}\n`)
  assert.equal(formatNixSecretKey(secret), SECRET)
  assert.equal(formatNixPublicKey(secret), PUBLIC)
  assert.equal(formatNixPublicKey(parseNixPublicKey(PUBLIC)), PUBLIC)
  const made = generateNixSecretKey('fleet.example-1')
  assert.equal(formatNixPublicKey(parseNixSecretKey(formatNixSecretKey(made))), formatNixPublicKey(made))
})

test('the fingerprint sorts the references', () => {
  const a = '/nix/store/0000000000000000000000000000000a-a'
  const b = '/nix/store/0000000000000000000000000000000b-b'
  const narHash = decodeNix32('1xmr8jicvzszfzpz46g37mlpvbzjl2wpwvl2b05psipssyp1sm8h')
  assert.equal(
    fingerprint({ path: b, narHash, narSize: 7, references: [b, a] }),
    `1;${b};sha256:1xmr8jicvzszfzpz46g37mlpvbzjl2wpwvl2b05psipssyp1sm8h;7;${a},${b}`,
  )
})

test('another path, hash, size, reference, name or key does not verify', () => {
  const trusted = [parseNixPublicKey(PUBLIC)]
  const changed = [
    { ...INFO, path: INFO.path.replace(/f$/, 'g') },
    { ...INFO, narHash: Buffer.alloc(32) },
    { ...INFO, narSize: 121 },
    { ...INFO, references: [INFO.path] },
  ]
  for (const info of changed) assert.ok(!verifyPath(info, SIGNATURE, trusted))
  assert.ok(!verifyPath(INFO, SIGNATURE.replace('test-1', 'test-2'), trusted))
  assert.ok(!verifyPath(INFO, SIGNATURE, []))
  assert.ok(!verifyPath(INFO, signPath(INFO, generateNixSecretKey('test-1')), trusted))
  for (const text of ['', ':', 'test-1', 'test-1:', 'test-1:AA==', `${SIGNATURE}\n`]) {
    assert.ok(!verifyPath(INFO, text, trusted), text)
  }
})

test('refuses keys that are none, and quotes no secret', () => {
  const swapped = `${SECRET.slice(0, 40)}AAAA${SECRET.slice(44)}`
  for (const text of ['', 'no-colon', ':AAAA', 'a b:AAAA', PUBLIC, `${SECRET}A`, swapped, 'x'.repeat(10_000)]) {
    assert.throws(
      () => parseNixSecretKey(text),
      (error: Error & { code?: string }) =>
        error.code === 'key-invalid' && !error.message.includes(text.slice(8) || '\0'),
    )
  }
  assert.throws(() => parseNixPublicKey(SECRET), { code: 'key-invalid' })
})
