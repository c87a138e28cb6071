/** Tests of content addresses: those that Nix 2.8 gave the same paths, and none where the name follows from something else. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sha256 } from '../encoding/hash.ts'
import { fileAddress, fileNarHeader, treeAddress } from './content-address.ts'

function fileNar(text: string): Buffer {
  const content = Buffer.alloc(8 + Math.ceil(text.length / 8) * 8)
  content.writeBigUInt64LE(BigInt(text.length))
  content.write(text, 8)
  const end = Buffer.alloc(16)
  end.writeBigUInt64LE(1n)
  end.write(')', 8)
  return Buffer.concat([fileNarHeader, content, end])
}

const info = (path: string, nar: Uint8Array, references: string[] = []) => {
  return { path, narHash: sha256(nar), narSize: nar.length, references }
}

test('content address: of a folder, by the hash of its NAR', () => {
  const narHash = Buffer.from('MyEwKR7frLkJXyCTAYmhACAemt2h4EszAo04ltEu78o=', 'base64')
  const dir = { path: '/nix/store/7q9kq1bl832lzmq150mnij7gq0hz00i3-dir', narHash, narSize: 288, references: [] }
  assert.equal(treeAddress(dir), 'fixed:r:sha256:1jpg5v8rcf4d08rlpq51vnd1w800l64h34r0bw4vkb6z3qlk089k')
  assert.equal(treeAddress({ ...dir, narHash: new Uint8Array(32) }), undefined)
  assert.equal(treeAddress({ ...dir, references: [dir.path] }), undefined)
})

test('content address: of a download, by the hash of the file', () => {
  const nar = fileNar('hello\n')
  const path = '/nix/store/6knq949b53ya3z1rs5ips7h7xkb8mw3a-flat.txt'
  assert.equal(fileAddress(info(path, nar), nar), 'fixed:sha256:00xyyr3fi8l6hb839bv3f7yb86yjv7xi1cgh1xnhipym4asvb4aq')
  // The same file by its SHA-1: not looked for.
  assert.equal(fileAddress(info('/nix/store/h90k5i2y1qjpn7nxqfvlrriynza3xhzj-flat.txt', nar), nar), undefined)
})

test('content address: of a text, by its bytes and what it refers to', () => {
  const inner = '/nix/store/izyfwgcira3kdz2bff47r4x1r1caprdj-inner'
  const nar = fileNar(`out ${inner}\n`)
  const outer = info('/nix/store/a5r0zn0fh5q4fw3qy4hhsmsrcwzp77mz-outer', nar, [inner])
  assert.equal(fileAddress(outer, nar), 'text:sha256:1zkc6g8fm5p1xx0i58fwkr4n9hacw4mbqj1z1np1mg30bhh0sp8d')
  assert.equal(fileAddress({ ...outer, references: [] }, nar), undefined)
})

test('content address: none of what is no file', () => {
  const nar = fileNar('hello\n')
  const flat = info('/nix/store/6knq949b53ya3z1rs5ips7h7xkb8mw3a-flat.txt', nar)
  for (const wrong of [Buffer.alloc(0), nar.subarray(0, 100), Buffer.concat([nar, nar]), Buffer.alloc(200)]) {
    assert.equal(fileAddress(flat, wrong), undefined)
  }
})
