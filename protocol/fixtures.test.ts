/** The golden bytes of every format, and what each decoder does with bytes that are none of its own. */

import assert from 'node:assert/strict'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { extendedFixturesDirectory, makeExtendedFixtures } from '../test/helpers/extended-fixtures.ts'
import { fixturesDirectory, makeFixtures } from '../test/helpers/fixtures.ts'
import { testFleet, testNow, testSigner } from '../test/helpers/fleet.ts'
import { ThymeshError } from './errors.ts'
import { verifyMember } from './members/membership.ts'
import { verifyReport } from './report/report.ts'
import { peerIdOf } from './signing/peer-id.ts'

const plainFixtures = makeFixtures()
const extendedFixtures = makeExtendedFixtures()
const fixtures = [...plainFixtures, ...extendedFixtures]
const { fleet, authority } = testFleet()
const peer = peerIdOf(testSigner('device').publicKey)

const versions = [
  { version: 1, directory: fixturesDirectory, made: plainFixtures },
  { version: 2, directory: extendedFixturesDirectory, made: extendedFixtures },
]
for (const { version, directory, made } of versions) {
  describe(`the golden fixtures of version ${version}`, () => {
    it('are all there, and no others', async () => {
      assert.deepEqual((await readdir(directory)).sort(), made.map(({ name }) => name).sort())
    })

    for (const { name, bytes, again } of made) {
      it(`${name} has not changed, and is read and written back`, async () => {
        const golden = await readFile(join(directory, name))
        const hint = 'a changed wire format needs a new version; `node test/helpers/fixtures.ts` makes the files anew'
        assert.ok(golden.equals(bytes), hint)
        assert.ok(Buffer.from(again(golden)).equals(golden))
      })
    }
  })
}

describe('golden fixtures', () => {
  it('make a member and a report', async () => {
    for (const name of ['certificate-by-members.dsse', 'certificate-by-token.dsse']) {
      const envelope = await readFile(join(fixturesDirectory, name))
      assert.equal(verifyMember(envelope, peer, authority, testNow).name, 'kiosk-1')
    }
    assert.equal(verifyReport(await readFile(join(fixturesDirectory, 'report.dsse')), fleet).counter, 7)
  })
})

describe('every decoder', () => {
  const spoilt = (bytes: Uint8Array) =>
    fc.oneof(
      fc.uint8Array({ maxLength: 200 }),
      fc.nat({ max: bytes.length }).map(end => bytes.slice(0, end)),
      fc.tuple(fc.nat({ max: bytes.length }), fc.uint8Array({ minLength: 1, maxLength: 9 })).map(([at, patch]) => {
        const copy = new Uint8Array(Math.max(bytes.length, at + patch.length))
        copy.set(bytes)
        copy.set(patch, at)
        return copy
      }),
      fc.tuple(fc.nat({ max: bytes.length }), fc.uint8Array({ minLength: 1, maxLength: 9 })).map(([at, more]) => {
        return Uint8Array.from([...bytes.subarray(0, at), ...more, ...bytes.subarray(at)])
      }),
    )

  for (const { name, bytes, decode } of fixtures) {
    it(`throws only ThymeshErrors at bytes spoilt or foreign: ${name}`, () => {
      fc.assert(
        fc.property(spoilt(bytes), value => onlyThymeshErrors(() => decode(value))),
        { numRuns: 200 },
      )
    })
  }

  it('refuses the fixtures of all the others', () => {
    for (const { name, format, decode } of fixtures) {
      for (const other of fixtures.filter(other => other.format !== format)) {
        assert.throws(() => decode(other.bytes), ThymeshError, `the decoder of ${name} takes ${other.name}`)
      }
    }
  })

  it('of signed documents accepts nothing that was changed', () => {
    const by = (wanted: string) => fixtures.find(({ name }) => name === wanted)?.bytes ?? new Uint8Array()
    for (const name of ['certificate-by-members.dsse', 'certificate-by-token.dsse', 'report.dsse']) {
      fc.assert(
        fc.property(spoilt(by(name)), value => {
          if (Buffer.from(value).equals(by(name))) return
          const verified = name === 'report.dsse' ? verifyReport : verifyAsMember
          onlyThymeshErrors(() => {
            // A key ID is a hint that nobody signed: with another one the document is the same, and still signed.
            assert.deepEqual(verified(value, fleet), verified(by(name), fleet))
          })
        }),
        { numRuns: 200 },
      )
    }
  })
})

function verifyAsMember(envelope: Uint8Array) {
  return verifyMember(envelope, peer, authority, testNow)
}

function onlyThymeshErrors(action: () => void): void {
  try {
    action()
  } catch (thrown) {
    if (!(thrown instanceof ThymeshError)) throw thrown
  }
}
