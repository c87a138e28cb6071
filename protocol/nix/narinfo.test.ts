/** narinfo against what Nix 2.8 wrote, read back, and with values that fit no line. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { parseNarInfo } from '../../test/helpers/narinfo.ts'
import { decodeNix32 } from '../../test/helpers/nix32.ts'
import { encodeNix32 } from './base32.ts'
import { formatNarInfo, type NarInfo } from './narinfo.ts'

const TOOL = '/nix/store/mpm8rlmpb3xvqa6adalb9fhinlfliw4s-tool'
const LIB = '/nix/store/swdddnx6lcv4dww2670bq4hpgkdinl7q-lib'
const TOOL_HASH = '109wfx557p9chb4f3xp7q81gxs9sk4fvs8nv8n1van5vqgk21c7y'
const FIXED_HASH = '0sg9f58l1jj88w6pdrfdpj5x9b1zrwszk84j81zvby36q9whhhqa'
const SIGNATURE = 'test-1:8rlAPOyMv3fT5HxR58s0SqNsNQKKnjcDmCybyaVmR9v+DyjGmM5/j0oPMws5glQwzrIEwq0Aoq+pMZmIy2JMBw=='

// Written by `nix copy --to file://…?compression=none` of Nix 2.8.0 for this test.
const TOOL_TEXT = `StorePath: ${TOOL}
URL: nar/${TOOL_HASH}.nar
Compression: none
FileHash: sha256:${TOOL_HASH}
FileSize: 376
NarHash: sha256:${TOOL_HASH}
NarSize: 376
References: mpm8rlmpb3xvqa6adalb9fhinlfliw4s-tool swdddnx6lcv4dww2670bq4hpgkdinl7q-lib
Sig: ${SIGNATURE}
`
const FIXED_TEXT = `StorePath: /nix/store/664yy119pds2n905bls61j77r67z57cw-f
URL: nar/${FIXED_HASH}.nar
Compression: none
FileHash: sha256:${FIXED_HASH}
FileSize: 120
NarHash: sha256:${FIXED_HASH}
NarSize: 120
References: ${''}
CA: fixed:r:sha256:${FIXED_HASH}
`

const tool: NarInfo = {
  path: TOOL,
  url: `nar/${TOOL_HASH}.nar`,
  compression: 'none',
  fileHash: decodeNix32(TOOL_HASH),
  fileSize: 376,
  narHash: decodeNix32(TOOL_HASH),
  narSize: 376,
  references: [LIB, TOOL],
  signatures: [SIGNATURE],
}

test('writes what Nix writes', () => {
  assert.equal(formatNarInfo(tool), TOOL_TEXT)
  assert.equal(formatNarInfo(parseNarInfo(FIXED_TEXT)), FIXED_TEXT)
})

test('reads what Nix writes', () => {
  assert.deepEqual(parseNarInfo(TOOL_TEXT), { ...tool, references: [TOOL, LIB] })
  const fixed = parseNarInfo(FIXED_TEXT)
  assert.deepEqual(fixed.references, [])
  assert.deepEqual(fixed.signatures, [])
  assert.equal(fixed.contentAddress, `fixed:r:sha256:${FIXED_HASH}`)
})

const hash = fc.uint8Array({ minLength: 32, maxLength: 32 })
const storePath = fc
  .tuple(fc.uint8Array({ minLength: 20, maxLength: 20 }), fc.stringMatching(/^[a-zA-Z0-9][a-zA-Z0-9+\-._?=]{0,30}$/))
  .map(([bytes, name]) => `/nix/store/${encodeNix32(bytes)}-${name}`)
const narInfo: fc.Arbitrary<NarInfo> = fc.record(
  {
    path: storePath,
    url: fc.stringMatching(/^nar\/[a-z0-9.]{1,40}$/),
    compression: fc.constantFrom('none', 'xz', 'zstd', 'bzip2'),
    fileHash: hash,
    fileSize: fc.integer({ min: 1 }),
    narHash: hash,
    narSize: fc.maxSafeNat().map(size => Math.max(size, 1)),
    references: fc.array(storePath, { maxLength: 5 }).map(paths => paths.toSorted()),
    deriver: storePath.map(path => `${path}.drv`),
    signatures: fc.array(fc.stringMatching(/^[a-z0-9.-]{1,20}:[A-Za-z0-9+/]{86}==$/), { maxLength: 3 }),
    contentAddress: fc.constantFrom('text:sha256:abc', 'fixed:r:sha256:abc'),
  },
  {
    noNullPrototype: true,
    requiredKeys: ['path', 'url', 'compression', 'narHash', 'narSize', 'references', 'signatures'],
  },
)

test('reads back what it wrote', () => {
  fc.assert(fc.property(narInfo, info => assert.deepEqual(parseNarInfo(formatNarInfo(info)), info)))
})

test('writes no value that would start another line', () => {
  const wrong: Partial<NarInfo>[] = [
    { url: 'nar/x\nSig: a:b' },
    { contentAddress: 'a\nb' },
    { signatures: ['a:b\nCA: x'] },
    { references: [`${LIB}\n`] },
    { deriver: `${LIB} x` },
    { narSize: 0 },
    { narHash: new Uint8Array(20) },
  ]
  for (const change of wrong) {
    assert.throws(() => formatNarInfo({ ...tool, ...change }), { code: 'narinfo-invalid' }, JSON.stringify(change))
  }
})
