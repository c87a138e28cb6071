/** Tests of test/tuf-client as a process against repositories on loopback: the workflow, and who attacks it. */

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { daysAfter } from '../helpers/fleet.ts'
import { repositoryKey, TufRepository } from '../helpers/tuf-repository.ts'

const program = resolve(import.meta.dirname, '../tuf-client')

interface Client {
  readonly repository: TufRepository
  readonly directory: string
  /** Exit code, and what it said. */
  run(...args: string[]): Promise<{ code: number; said: string }>
  refresh(): Promise<{ code: number; said: string }>
  download(...paths: string[]): Promise<{ code: number; said: string }>
  /** Versions of what is trusted, on its disk. */
  trusted(): Promise<Record<string, number>>
  downloaded(): Promise<Record<string, string>>
}

/** A repository and a client that trusts its first root. */
async function client(t: TestContext, change: (repository: TufRepository) => void = () => {}): Promise<Client> {
  const repository = await TufRepository.start()
  const directory = await mkdtemp(join(tmpdir(), 'thymesh-tuf-'))
  t.after(async () => {
    await repository.stop()
    await rm(directory, { recursive: true, force: true })
  })
  change(repository)
  const metadata = join(directory, 'metadata')
  const targets = join(directory, 'targets')
  const run = (...args: string[]) =>
    new Promise<{ code: number; said: string }>(done => {
      execFile(program, ['--metadata-dir', metadata, ...args], (error, _out, said) => {
        done({ code: error === null ? 0 : Number(error.code), said })
      })
    })
  const url = ['--metadata-url', `${repository.url}/metadata`]
  const root = join(directory, 'trusted.json')
  await writeFile(root, repository.files.get('metadata/1.root.json') ?? '')
  assert.equal((await run('init', root)).code, 0)
  return {
    repository,
    directory,
    run,
    refresh: () => run(...url, 'refresh'),
    download: (...paths) =>
      run(
        ...url,
        ...paths.flatMap(path => ['--target-name', path]),
        '--target-base-url',
        `${repository.url}/targets`,
        '--target-dir',
        targets,
        'download',
      ),
    trusted: async () => {
      const files = (await readdir(metadata)).sort()
      const texts = await Promise.all(files.map(file => readFile(join(metadata, file), 'utf8')))
      return Object.fromEntries(
        files.map((file, at) => [file.slice(0, -5), JSON.parse(texts[at] ?? '').signed.version]),
      )
    },
    downloaded: async () => {
      const files = await readdir(targets).catch(() => [])
      const texts = await Promise.all(files.map(file => readFile(join(targets, file), 'utf8')))
      return Object.fromEntries(files.map((file, at) => [decodeURIComponent(file), texts[at] ?? '']))
    },
  }
}

async function refuses(attempt: Promise<{ code: number; said: string }>, why: RegExp): Promise<void> {
  const { code, said } = await attempt
  assert.equal(code, 1, said)
  assert.match(said, why)
}

async function takes(attempt: Promise<{ code: number; said: string }>): Promise<void> {
  const { code, said } = await attempt
  assert.equal(code, 0, said)
}

describe('the TUF client over HTTP', { concurrency: 2 }, () => {
  it('brings metadata up to date, then a target file, once', async t => {
    const { repository, refresh, download, trusted, downloaded } = await client(t)
    repository.file('greeting.txt', 'hello')
    repository.publish('targets')
    await takes(refresh())
    assert.deepEqual(await trusted(), { root: 1, snapshot: 2, targets: 2, timestamp: 2 })
    await takes(download('greeting.txt'))
    await takes(download('greeting.txt'))
    assert.deepEqual(await downloaded(), { 'greeting.txt': 'hello' })
    assert.equal(repository.requests.filter(path => path.startsWith('targets/')).length, 1)
    await refuses(download('nothing.txt'), /no role of the repository names nothing\.txt/)
  })

  it('walks every root that it slept through, and no forged one', async t => {
    const { repository, refresh, trusted } = await client(t)
    for (let version = 2; version <= 5; version++) {
      const [old] = repository.signers.root ?? []
      const next = repositoryKey()
      repository.signers.root = [next]
      repository.publish('root')
      const path = `metadata/${version}.root.json`
      const { signed } = JSON.parse(Buffer.from(repository.files.get(path) ?? '').toString())
      const both = [old, next].filter(key => key !== undefined)
      // The last one lacks the old key's signature: its own alone must not do.
      repository.files.set(path, repository.sign('root', signed, version < 5 ? both : [next]))
    }
    await refuses(refresh(), /root metadata lacks the signatures/)
    assert.deepEqual(await trusted(), { root: 4 })
  })

  it('takes keys of RSA, ECDSA and Ed25519', async t => {
    const { repository, refresh, trusted } = await client(t)
    const root = [...(repository.signers.root ?? []), repositoryKey('rsa'), repositoryKey('ecdsa')]
    repository.signers.root = root
    repository.thresholds.root = 3
    repository.publish('root')
    await takes(refresh())
    repository.publish('root')
    const path = 'metadata/3.root.json'
    const { signed } = JSON.parse(Buffer.from(repository.files.get(path) ?? '').toString())
    repository.files.set(path, repository.sign('root', signed, root.slice(0, 2)))
    await refuses(refresh(), /2\/3 keys/)
    assert.equal((await trusted()).root, 2)
  })

  it('counts a key once, whatever its IDs', async t => {
    const key = repositoryKey()
    const { repository, refresh, trusted } = await client(t)
    repository.signers.snapshot = [key, { ...key, id: 'alias' }]
    repository.thresholds.snapshot = 2
    repository.publish('root')
    await refuses(refresh(), /snapshot metadata lacks the signatures.*1\/2 keys/)
    assert.deepEqual(await trusted(), { root: 2, timestamp: 2 })
  })

  it('goes back to no older timestamp, snapshot or targets', async t => {
    const { repository, refresh, trusted } = await client(t)
    repository.publish('targets')
    await takes(refresh())
    const known = await trusted()
    const timestamp = repository.files.get('metadata/timestamp.json') ?? Buffer.alloc(0)
    repository.publishTimestamp(1)
    await refuses(refresh(), /expected timestamp version 2/)
    repository.publishSnapshot(1)
    repository.publishTimestamp(3)
    await refuses(refresh(), /expected snapshot version 2/)
    repository.versions.snapshot = 2
    repository.versions.targets = 0
    repository.publish('targets')
    await refuses(refresh(), /expected targets\.json version 2/)
    assert.deepEqual(await trusted(), { ...known, timestamp: 4 })
    repository.files.set('metadata/timestamp.json', timestamp)
    await refuses(refresh(), /expected timestamp version 4/)
  })

  it('recovers from fast-forwarded versions when keys are rotated', async t => {
    const { repository, refresh, trusted } = await client(t)
    repository.publishSnapshot(900)
    repository.publishTimestamp(900)
    await takes(refresh())
    repository.signers.snapshot = [repositoryKey()]
    repository.signers.timestamp = [repositoryKey()]
    repository.versions.snapshot = 0
    repository.versions.timestamp = 0
    repository.publish('root')
    await takes(refresh())
    assert.deepEqual(await trusted(), { root: 2, snapshot: 1, targets: 1, timestamp: 1 })
  })

  it('mixes no snapshot with other targets, and lets no role vanish from it', async t => {
    const { repository, refresh, trusted } = await client(t)
    repository.delegate('targets', { name: 'extra', paths: ['*'] })
    repository.publish('extra', 'targets')
    await takes(refresh())
    const good = repository.files.get('metadata/2.targets.json') ?? Buffer.alloc(0)
    repository.publish('targets')
    repository.files.set('metadata/3.targets.json', good)
    await refuses(refresh(), /targets metadata isn't the one that was named/)
    assert.equal((await trusted()).targets, 2)
    repository.forget('extra')
    repository.publish('targets')
    await refuses(refresh(), /extra\.json is missing from the snapshot/)
  })

  it('is not frozen: each role that has expired is refused', async t => {
    const past = daysAfter(new Date(), -1)
    for (const role of ['root', 'timestamp', 'snapshot', 'targets']) {
      const { repository, refresh, trusted } = await client(t)
      await takes(refresh())
      repository.expires = { [role]: past }
      repository.publish('root', 'targets')
      await refuses(refresh(), new RegExp(`${role} version 2 expired on`))
      assert.equal((await trusted())[role], role === 'root' ? 2 : 1)
    }
  })

  it('reads no endless answer, and no other file than the named one', async t => {
    const { repository, refresh, download, downloaded } = await client(t)
    repository.file('tool', 'the good one')
    repository.file('other', 'another one')
    repository.publish('targets')
    await takes(download('other'))
    const [path] = [...repository.files.keys()].filter(name => name.endsWith('.tool'))
    repository.files.set(path ?? '', Buffer.from('the evil one'))
    await refuses(download('tool'), /expected tool as the metadata names it/)
    repository.endless = path
    await refuses(download('tool'), /expected at most 12 bytes/)
    assert.deepEqual(await downloaded(), { other: 'another one' })
    repository.endless = 'metadata/timestamp.json'
    await refuses(refresh(), /expected at most 16384 bytes/)
    repository.endless = 'metadata/2.root.json'
    await refuses(refresh(), /expected at most 524288 bytes/)
  })

  it('searches delegations in order, by their paths, to the end of a terminating one', async t => {
    const { repository, download, downloaded } = await client(t)
    repository.delegate('targets', { name: 'docs', paths: ['*.md'] })
    repository.delegate('targets', { name: 'releases', paths: ['releases/*/*'], terminating: true })
    repository.delegate('targets', { name: 'last', paths: ['releases/*/*'] })
    repository.delegate('releases', { name: 'x', paths: ['releases/x/*'] })
    repository.file('releases/x/app', 'by x', 'x')
    repository.file('releases/x/README.md', 'not for docs to say', 'docs')
    repository.file('releases/z/app', 'after the end', 'last')
    repository.publish('docs', 'x', 'releases', 'last', 'targets')
    await takes(download('releases/x/app'))
    assert.deepEqual(await downloaded(), { 'releases/x/app': 'by x' })
    const asked = repository.requests.filter(path => /\d\.(docs|releases|x|last)\.json$/.test(path))
    assert.deepEqual(asked, ['metadata/1.releases.json', 'metadata/1.x.json'])
    await refuses(download('releases/x/README.md'), /no role/)
    await refuses(download('releases/z/app'), /no role/)
  })

  it('verifies a role for each that delegates to it', async t => {
    const { repository, download, downloaded } = await client(t)
    repository.delegate('targets', { name: 'a', paths: ['a/*'] })
    repository.delegate('targets', { name: 'b', paths: ['b/*'] })
    repository.delegate('a', { name: 'shared', paths: ['a/*'] })
    repository.delegate('b', { name: 'shared', paths: ['b/*'], keys: [repositoryKey()] })
    repository.file('a/app', 'vouched for', 'shared')
    repository.file('b/app', 'vouched for by nobody', 'shared')
    repository.publish('shared', 'a', 'b', 'targets')
    await refuses(download('a/app', 'b/app'), /shared metadata lacks the signatures/)
    assert.deepEqual(await downloaded(), { 'a/app': 'vouched for' })
  })

  it('lets no role name leave its folder', async t => {
    const { repository, download, directory } = await client(t)
    repository.delegate('targets', { name: '../../escaped', paths: ['*'] })
    repository.publish('../../escaped', 'targets')
    await refuses(download('nothing'), /no role/)
    assert.ok(repository.requests.includes('metadata/1.../../escaped.json'))
    assert.deepEqual((await readdir(directory)).sort(), ['metadata', 'targets', 'trusted.json'])
    assert.equal((await readdir(join(directory, 'metadata'))).length, 5)
  })
})
