/** Tests of a device's secrets: all or nothing, back to the old ones when an update fails, and never readable half-way. */

import assert from 'node:assert/strict'
import { mkdir, mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { Encrypter, generateX25519Identity, identityToRecipient } from 'age-encryption'
import { cidOf } from '../../protocol/encoding/cid.ts'
import { sha256, toHex } from '../../protocol/encoding/hash.ts'
import type { ReleasedConfig } from '../../protocol/release/release.ts'
import { secretDocumentCodec } from '../../protocol/release/secrets.ts'
import { withCode } from '../../test/helpers/errors.ts'
import { testClosure, testConfig } from '../../test/helpers/fleet.ts'
import { DeviceSecrets } from './device-secrets.ts'
import { manifestFor } from './manifest.ts'

async function world(t: TestContext) {
  const directory = await mkdtemp(join(tmpdir(), 'thymesh-secrets-'))
  t.after(() => rm(directory, { recursive: true }))
  const identity = await generateX25519Identity()
  const documents = new Map<string, Uint8Array>()
  const encrypt = async (text: string, to = identity) => {
    const encrypter = new Encrypter()
    encrypter.addRecipient(await identityToRecipient(to))
    const bytes = secretDocumentCodec.encode({ v: 1, age: await encrypter.encrypt(text) })
    documents.set(toHex(sha256(bytes)), bytes)
    return { document: cidOf(bytes), size: bytes.length, source: sha256(bytes) }
  }
  const fetch = async (hash: Uint8Array) => {
    const bytes = documents.get(toHex(hash))
    if (bytes === undefined) throw new Error('nobody has it')
    return bytes
  }
  const make = () =>
    new DeviceSecrets({ fetch, identities: () => [identity] }, { state: join(directory, 'state'), root: directory })
  const config = (name: string, secrets?: ReleasedConfig['secrets']): ReleasedConfig => ({
    ...testConfig(testClosure(name)),
    ...(secrets && { secrets }),
  })
  const read = (name: string) => readFile(join(directory, 'run/thymesh/secrets', name), 'utf8')
  return { directory, documents, encrypt, make, config, read }
}

describe("a device's secrets", () => {
  it('are installed before the system that wants them runs, and are the ones of the old system when that fails', async t => {
    const { make, config, encrypt, read, directory } = await world(t)
    const old = config('old', { db: { ...(await encrypt('one')), mode: '0440' } })
    const secrets = make()
    assert.equal(await secrets.differ(old), true)
    await secrets.take(old)
    await assert.rejects(read('db'), /ENOENT/)
    await secrets.installNext()
    assert.equal(await read('db'), 'one')
    assert.equal((await stat(join(directory, 'run/thymesh/secrets/db'))).mode & 0o777, 0o440)
    assert.deepEqual(await secrets.commit(), [])
    assert.equal(await secrets.differ(old), false)

    await secrets.take(config('new', { db: await encrypt('two'), more: await encrypt('more') }))
    await secrets.installNext()
    assert.deepEqual([await read('db'), await read('more')], ['two', 'more'])
    assert.deepEqual(await secrets.restore(), ['db'])
    assert.equal(await read('db'), 'one')
    await assert.rejects(read('more'), /ENOENT/)
    assert.deepEqual(
      await readdir(join(directory, 'run/thymesh')).then(names => names.length),
      2,
      'a link and its folder',
    )
  })

  it('are readable for their owners, where the daemon has closed their folder before', async t => {
    const { make, config, encrypt, directory } = await world(t)
    const modeOf = async (path: string) => (await stat(join(directory, path))).mode & 0o777
    await mkdir(join(directory, 'run/thymesh'), { recursive: true, mode: 0o700 })
    const secrets = make()
    await secrets.take(config('old', { db: await encrypt('one') }))
    await secrets.installNext()
    assert.equal(await modeOf('run/thymesh/secrets'), 0o700)
    await secrets.take(config('new', { db: { ...(await encrypt('one')), group: 'www' } }))
    await secrets.installNext()
    assert.deepEqual([await modeOf('run/thymesh'), await modeOf('run/thymesh/secrets')], [0o755, 0o711])
  })

  it('say which of them have changed, and go when a system has none', async t => {
    const { make, config, encrypt, read, directory } = await world(t)
    const secrets = make()
    const same = await encrypt('same')
    for (const text of ['one', 'two']) {
      await secrets.take(config('web', { db: await encrypt(text), same }))
      await secrets.installNext()
      assert.deepEqual(await secrets.commit(), text === 'one' ? [] : ['db'])
    }
    assert.equal(await read('same'), 'same')
    await secrets.take(config('plain'))
    await secrets.installNext()
    await secrets.commit()
    await assert.rejects(read('same'), /ENOENT/)
    assert.deepEqual((await readdir(join(directory, 'state/secrets'))).sort(), ['manifests.json'])
  })

  it('stop an update when one is for others, damaged or out of reach, and nothing that runs is touched', async t => {
    const { make, config, encrypt, read, documents } = await world(t)
    const secrets = make()
    await secrets.take(config('web', { db: await encrypt('one') }))
    await secrets.installNext()
    await secrets.commit()
    const foreign = await encrypt('theirs', await generateX25519Identity())
    await assert.rejects(
      secrets.take(config('b', { db: foreign })),
      withCode('secret-not-for-us', /the secret db is not/),
    )
    const [lost, damaged] = [await encrypt('lost'), await encrypt('damaged')]
    documents.delete(toHex(lost.document.multihash.digest))
    await assert.rejects(secrets.take(config('c', { db: lost })), /nobody has it/)
    documents.set(toHex(damaged.document.multihash.digest), new Uint8Array([1]))
    await assert.rejects(secrets.take(config('d', { db: damaged })), withCode('secret-unreadable', /db/))
    assert.equal(await read('db'), 'one')
  })

  it('are installed at the start of the machine for the system that starts', async t => {
    const { make, config, encrypt, read, directory } = await world(t)
    const [old, next] = [config('old', { db: await encrypt('one') }), config('next', { db: await encrypt('two') })]
    const secrets = make()
    await secrets.take(old)
    await secrets.installNext()
    await secrets.commit()
    // The power is cut in the middle of an update.
    await secrets.take(next)
    await rm(join(directory, 'run'), { recursive: true })
    assert.equal(await make().installFor(old.topLevel), 1)
    assert.equal(await read('db'), 'one')
    assert.equal(await make().installFor(next.topLevel), 1)
    assert.equal(await read('db'), 'two')
    assert.equal(await make().installFor(undefined), 1)
    assert.equal(await read('db'), 'one')
  })

  it('are chosen by the system that runs', () => {
    const file = (topLevel: string) => ({ topLevel, files: [] })
    const [current, next] = [file('/a'), file('/b')]
    assert.equal(manifestFor({ v: 1, current, next }, '/b'), next)
    assert.equal(manifestFor({ v: 1, current, next }, '/a'), current)
    assert.equal(manifestFor({ v: 1, current, next }, undefined), current)
    assert.equal(manifestFor({ v: 1 }, '/a'), undefined)
  })
})
