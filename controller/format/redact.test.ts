/** Tests of what is left out of texts for strangers. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { redact } from './redact.ts'

const hidden = [
  'password=hunter2-hunter2',
  'PGPASSWORD: "hunter2-hunter2"',
  "api_key='hunter2-hunter2'",
  'Authorization: Bearer hunter2-hunter2',
  'curl --token hunter2-hunter2 -v',
  'https://ada:hunter2-hunter2@example.org/x',
  'thymesh-join-1.hunter2-hunter2',
  'AGE-SECRET-KEY-1HUNTER2-HUNTER2',
  'ghp_hunter2hunter2hunter2',
  '-----BEGIN OPENSSH PRIVATE KEY-----\nhunter2-hunter2\n-----END OPENSSH PRIVATE KEY-----',
  '-----BEGIN PRIVATE KEY-----\nhunter2-hunter2 (cut off)',
  '{"psk":"hunter2-hunter2"}',
]

describe('what strangers see', () => {
  for (const text of hidden) {
    it(`has no secret of ${JSON.stringify(text.slice(0, 24))}`, () => {
      const { text: left, leftOut } = redact(`a line before\n${text}\nand one behind`)
      assert.doesNotMatch(left, /hunter2/i)
      assert.match(left, /<secret>/)
      assert.match(left, /^a line before\n/)
      assert.ok(leftOut.secrets >= 1)
    })
  }

  it('has no addresses, and tells one from another', () => {
    const { text, leftOut } = redact(
      'dial /ip4/192.168.1.20/tcp/4460, /ip6/fe80::1%eth0/tcp/1, /dns4/door.example.org/tcp/1; 192.168.1.20 and 10.0.0.1:22; aa:bb:cc:dd:ee:0f; [2001:db8::7]:443; ada@example.org',
    )
    assert.equal(
      text,
      'dial /ip4/<address 3>/tcp/4460, /ip6/<address 5>/tcp/1, /dns4/<address 1>/tcp/1; <address 3> and <address 4>:22; <address 2>; [<address 6>]:443; <e-mail 1>',
    )
    assert.deepEqual(leftOut, { addresses: 6, secrets: 0, persons: 1 })
  })

  it('has no address that a colon or a port follows', () => {
    for (const [said, shown] of [
      ['connect to 2001:db8::1: refused', 'connect to <address 1>: refused'],
      ['from 2001:0db8:85a3:0000:0000:8a2e:0370:7334:', 'from <address 1>:'],
      ['2001:0db8:85a3:0000:0000:8a2e:0370:7334:4460', '<address 1>:4460'],
      ['::1: and 12:30:45: stay', '::1: and 12:30:45: stay'],
    ] as const) {
      assert.equal(redact(said).text, shown)
    }
  })

  it('keeps what helps: times, versions, paths, peers, loopback', () => {
    const text =
      '2026-12-01T12:56:46.717Z 12:56:46 v1.22.3 /nix/store/rr2hm4l47nlh92862r1342dybsivzmmn-thymesh-hello 12D3KooWBB5XAoDKijs4rtZXioJkh4PdjcE7x2uJKx8oCGr1CvFc 127.0.0.1:4461 ::1 release 1.2.3.4.5 std::move secrets: 2'
    assert.equal(redact(text).text, text.replace('secrets: 2', 'secrets: 2'))
  })
})
