/** Tests of the operator's side: what a secret may hold, who can read it, and that no error shows it. */

import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { generateX25519Identity, identityToRecipient } from 'age-encryption'
import { limits } from '../../protocol/limits.ts'
import { withCode } from '../../test/helpers/errors.ts'
import { ProjectEdit } from '../project/edit.ts'
import { type ProjectFiles, readProjectFiles } from '../project/files.ts'
import { git } from '../project/git.ts'
import { decryptWith, encryptTo, sealFor } from './age.ts'
import { normalised, processed } from './process.ts'
import { addSecret, cipherFile, openSecret, recipientsOf, rekey } from './vault.ts'

async function operator() {
  const identity = await generateX25519Identity()
  return { identity, recipient: await identityToRecipient(identity) }
}

const bytes = (text: string) => Buffer.from(text)
const text = (of: Uint8Array) => Buffer.from(of).toString()

describe('the content of a secret', () => {
  it('has the form of its type', () => {
    assert.equal(text(normalised('a', 'single-line', bytes('x y\n'))), 'x y')
    assert.equal(text(normalised('a', 'multi-line', bytes('x\r\ny'))), 'x\ny\n')
    assert.equal(text(normalised('a', 'environment', bytes('# c\nA=1\n\nB_2=x=y'))), '# c\nA=1\n\nB_2=x=y\n')
    assert.deepEqual(normalised('a', 'file', Buffer.from([0, 255])), Buffer.from([0, 255]))
  })

  it('is refused without being shown', () => {
    const content = 'hidden-content'
    const cases: [Parameters<typeof normalised>[1], Uint8Array, RegExp][] = [
      ['single-line', bytes(`${content}\nb`), /the secret a: expected one line, got several/],
      ['single-line', bytes('\n'), /expected some content, got none/],
      ['file', bytes(''), /expected some content, got none/],
      ['multi-line', Buffer.from([0xff, 0xfe]), /expected text, got other bytes/],
      ['environment', bytes(`A=1\n${content}`), /expected lines such as KEY=value, got something else in line 2/],
      ['file', Buffer.alloc(limits.secretPlaintext + 1), /expected at most 262144 bytes, got 262145/],
    ]
    for (const [type, wrong, said] of cases) {
      assert.throws(
        () => normalised('a', type, wrong),
        (thrown: Error) => withCode('secret-content', said)(thrown) && !thrown.message.includes(content),
      )
    }
  })

  it('becomes a hash with a salt of its own', async () => {
    const hashes = await Promise.all(['pass\n', 'pass'].map(word => processed(bytes(word), 'yescrypt', 'a')))
    for (const hash of hashes) assert.match(text(hash), /^\$y\$j9T\$[./A-Za-z0-9]+\$[./A-Za-z0-9]{43}$/)
    assert.notEqual(text(hashes[0] ?? bytes('')), text(hashes[1] ?? bytes('')))
    await assert.rejects(
      processed(bytes('a\nb'), 'yescrypt', 'a'),
      withCode('secret-content', /expected a password of one line/),
    )
    assert.equal(text(await processed(bytes('x'), 'none', 'a')), 'x')
  })
})

describe("the project's secrets", () => {
  async function project(t: TestContext): Promise<{
    edit: () => ProjectEdit
    files: () => Promise<ProjectFiles>
    apply: (edit: ProjectEdit) => Promise<string[]>
  }> {
    const directory = await mkdtemp(join(tmpdir(), 'thymesh-vault-'))
    t.after(() => rm(directory, { recursive: true }))
    await git(directory, ['init', '--quiet'])
    return {
      edit: () => new ProjectEdit(directory),
      files: () => readProjectFiles(directory),
      apply: edit => edit.apply({ cache: directory, modules: {} }),
    }
  }
  const about = { type: 'single-line', processing: 'none' } as const

  it('are read by operators, and by new ones when all is encrypted anew', async t => {
    const { edit, files, apply } = await project(t)
    const [ada, bob, eve] = [await operator(), await operator(), await operator()]
    const first = edit()
    await addSecret(first, 'db', about, bytes('content'), [ada.recipient], new Date(0))
    assert.deepEqual(await apply(first), ['secrets/db.age', 'secrets/db.json'])
    assert.deepEqual((await files()).secrets.get('db')?.content, {
      ...about,
      recipients: [ada.recipient],
      rotated: '1970-01-01T00:00:00Z',
    })
    assert.equal(text(await openSecret(edit(), 'db', ada)), 'content')
    await assert.rejects(
      openSecret(edit(), 'db', bob),
      withCode('not-an-operator', /the secret db can't be decrypted with your key/),
    )

    const second = edit()
    assert.deepEqual(await rekey(second, await files(), ada, [bob.recipient, ada.recipient]), ['db'])
    await apply(second)
    for (const one of [ada, bob]) assert.equal(text(await openSecret(edit(), 'db', one)), 'content')
    await assert.rejects(openSecret(edit(), 'db', eve), withCode('not-an-operator'))
    assert.deepEqual(await rekey(edit(), await files(), ada, [ada.recipient, bob.recipient]), [], 'nothing to do')

    // A merge of two branches may leave the JSON of the one and the ciphertext of the other.
    const merged = edit()
    await merged.write(cipherFile('db'), await sealFor([ada.recipient], bytes('content')))
    await apply(merged)
    await assert.rejects(openSecret(edit(), 'db', bob), withCode('not-an-operator'))
    const mended = edit()
    assert.deepEqual(await rekey(mended, await files(), ada, [ada.recipient, bob.recipient]), ['db'])
    await apply(mended)
    assert.equal(text(await openSecret(edit(), 'db', bob)), 'content')
    // One of an earlier version, without its readers.
    const old = edit()
    await old.write(cipherFile('db'), await encryptTo([ada.recipient, bob.recipient], bytes('content')))
    await apply(old)
    assert.deepEqual(await rekey(edit(), await files(), ada, [ada.recipient, bob.recipient]), ['db'])

    const third = edit()
    await rekey(third, await files(), bob, [bob.recipient])
    await apply(third)
    await assert.rejects(openSecret(edit(), 'db', ada), withCode('not-an-operator'))
    await assert.rejects(
      addSecret(edit(), 'db', about, bytes('x'), [bob.recipient], new Date()),
      withCode('entry-exists'),
    )
    assert.doesNotMatch(text((await edit().readBytes(cipherFile('db'))) ?? bytes('')), /content/)
  })

  it('are for the operators that thymesh.json names, and we must be one of them', async () => {
    const [ada, bob] = [await operator(), await operator()]
    const operators = { ada: { age: ada.recipient }, bob: { age: bob.recipient } }
    assert.deepEqual(recipientsOf({ operators }, bob), [ada.recipient, bob.recipient].sort())
    assert.throws(() => recipientsOf({ operators: { ada: { age: ada.recipient } } }, bob), withCode('not-an-operator'))
  })

  it('are opened by each of their readers', async () => {
    const readers = await Promise.all(Array.from({ length: 20 }, operator))
    const cipher = await encryptTo(
      readers.map(({ recipient }) => recipient),
      bytes('content'),
    )
    for (const { identity } of readers) assert.equal(text(await decryptWith([identity], cipher, 'db')), 'content')
    assert.ok(cipher.length < 20 * 200 + 300, String(cipher.length))
  })
})
