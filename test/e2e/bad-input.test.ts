/** Tests of bad input: each mistake is named, with the next step, an exit code, and JSON for programs. */

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readdir, readFile, rename, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { FleetHome } from '../../controller/fleet/fleet-home.ts'
import { makeJoinToken } from '../../controller/members/token.ts'
import { nixSkip } from '../nix/workshop.ts'
import { Fleet } from './helpers/fleet.ts'
import { hello } from './helpers/project.ts'

describe('a project and its operator', { skip: nixSkip() }, () => {
  let fleet: Fleet
  before(async () => {
    fleet = await Fleet.prepare()
    await fleet.found()
  })
  after(() => fleet.remove())

  it('are founded once', async () => {
    const error = await fleet.error('init', '.')
    assert.equal(error.code, 'exists')
    assert.equal((await readdir(fleet.home)).length, 1)
    assert.equal((await fleet.error('init', 'elsewhere', '--bootstrap', 'here')).code, 'not-an-address')
    assert.match((await fleet.error('init', 'elsewhere', '--name', 'No Name')).message, /--name: expected a name/)
    assert.match((await fleet.error('init', 'thymesh.json')).message, /expected a writable folder/)
    assert.equal((await readdir(fleet.home)).length, 1)
  })

  it('are told which of the files that they name can not be read', async () => {
    const card = await fleet.error('root', 'propose', '--add', 'no-card')
    assert.match(card.message, /^expected an operator's card .*or a file with one, got no-card/)
    const proposal = await fleet.error('root', 'sign', '--file', 'no-file')
    assert.deepEqual([proposal.code, proposal.message], ['not-there', 'no-file: there is no such file or folder'])
    const passphrase = await fleet.error('init', 'elsewhere', '--passphrase-file', 'no-file')
    assert.equal(passphrase.code, 'unreadable')
    assert.ok(passphrase.hint)
    assert.equal((await fleet.error('token', 'revoke', 'nope')).code, 'unknown-member')
  })

  it('have no release to show or to go back to yet', async () => {
    const { releases } = await fleet.json<{ releases: { version: number }[] }>('releases', '--wait', '0')
    assert.deepEqual(
      releases.map(({ version }) => version),
      [1],
    )
    assert.equal((await fleet.error('rollback')).code, 'no-earlier')
  })

  it('must commit before they deploy', async () => {
    await fleet.write({ 'configs/hello.json': hello('not committed') })
    const error = await fleet.error('deploy')
    assert.equal(error.code, 'dirty')
    assert.match(error.message, /M configs\/hello\.json/)
    assert.match(error.hint ?? '', /git commit/)
    await fleet.commit('Committed')
  })

  const wrong: [what: string, files: Record<string, string | object>, code: string, said: RegExp][] = [
    [
      'Nix that can not be evaluated',
      { 'modules/hello.nix': '{ settings = nonsense; }' },
      'invalid-project',
      /^modules\/hello\.nix:1:14: undefined variable 'nonsense'/,
    ],
    [
      'a setting that the module does not have',
      { 'configs/hello.json': { modules: { hello: { mesage: 'x' } } } },
      'invalid-project',
      /^configs\/hello\.json:4:7: modules\.hello\.mesage: unknown setting; expected one of message/,
    ],
    [
      'a device whose config is missing',
      { 'devices/lost.json': { config: 'helo' } },
      'invalid-project',
      /^devices\/lost\.json:2:13: config: there is no configs\/helo\.json; the project has hello/,
    ],
    [
      'a file that is no JSON',
      { 'devices/lost.json': '{ "config"' },
      'invalid-project',
      /^devices\/lost\.json:1:11: expected a colon/,
    ],
    [
      'a name that no host can have',
      { 'devices/Lost.json': '{}' },
      'invalid-project',
      /devices\/Lost\.json: expected a name/,
    ],
    [
      'a build that fails',
      {
        'modules/hello.nix': `{
          settings.message = { type = "string"; };
          portable = { system, ... }: {
            etc."hello".source = derivation {
              name = "broken";
              inherit system;
              builder = "/bin/sh";
              args = [ "-c" "echo the compiler has given up >&2; exit 3" ];
            };
          };
        }`,
      },
      'build-failed',
      /config hello can't be built:[\s\S]*the compiler has given up\n[\s\S]*exit code 3/,
    ],
  ]
  for (const [what, files, code, said] of wrong) {
    it(`must not deploy ${what}`, async () => {
      await fleet.commit(what, files)
      const error = await fleet.error('deploy')
      assert.match(error.message, said)
      assert.equal(error.code, code)
      assert.doesNotMatch(error.message, /lock file/)
      await fleet.git('revert', '--no-edit', 'HEAD')
    })
  }

  it('must not deploy to no devices, or wait for one that is none of theirs', async () => {
    const unknown = await fleet.error('deploy', '--wait-for', 'frist')
    assert.deepEqual([unknown.code, unknown.hint], ['unknown-device', 'Choose one of its devices: first.'])
    await fleet.commit('No devices', { 'devices/first.json': undefined })
    assert.equal((await fleet.error('deploy')).code, 'no-devices')
    await fleet.git('revert', '--no-edit', 'HEAD')
  })

  it('are told when nobody came to take a release, and to which releases they can go back', async () => {
    const ended = await fleet.run('deploy', '--timeout', '0')
    assert.match(ended.stdout, /^Release 2: 0 of 1 devices run it; no other peer has all of it yet/)
    assert.equal(ended.code, 2)
    assert.equal((await fleet.error('rollback', '--to', '2')).code, 'no-earlier')
    await fleet.commit('Another message', { 'configs/hello.json': hello('another') })
    assert.equal((await fleet.run('deploy', '--timeout', '0')).code, 2)
    const error = await fleet.error('rollback', '--to', '9')
    assert.deepEqual([error.code, error.message], ['unknown-version', 'expected one of the releases 2, got 9'])
    const { releases } = await fleet.json<{ releases: object[] }>('releases', '--wait', '0')
    assert.equal(releases.length, 3)
  })

  it('may leave a rollout with an exit code of 0', async () => {
    let output = ''
    let isLeft = false
    const ended = await fleet.runWith(
      {
        onStart: child =>
          child.stderr?.on('data', (text: string) => {
            output += text
            // A second signal would end it at once.
            if (!isLeft && /not seen yet/.test(output)) isLeft = child.kill('SIGTERM')
          }),
      },
      'deploy',
    )
    assert.match(ended.stderr, /^Nothing to deploy: release 3 is this already/m)
    assert.match(ended.stdout, /run `thymesh status` later/)
    assert.equal(ended.code, 0)
  })

  it('need the keys, and settings without unknown keys', async () => {
    const [id = ''] = await readdir(fleet.home)
    const [home, away] = [join(fleet.home, id), join(fleet.home, 'away')]
    await rename(home, away)
    for (const command of ['deploy', 'token', 'status']) {
      const error = await fleet.error(command)
      assert.equal(error.code, 'no-keys')
      assert.match(error.hint ?? '', /THYMESH_HOME/)
    }
    await rename(away, home)
    await writeFile(join(home, 'controller.json'), '{ "lisen": [] }')
    const error = await fleet.error('status')
    assert.match(error.message, /controller\.json: Unrecognized key: "lisen"/)
    assert.match(error.hint ?? '', /Known keys: .*listen/)
  })
})

describe('a device', () => {
  let fleet: Fleet
  before(async () => {
    fleet = await Fleet.prepare()
    await fleet.found()
  })
  after(() => fleet.remove())

  it('names an unknown key of its settings', async () => {
    const first = await fleet.device('first')
    const file = join(fleet.directory, 'node.json')
    await writeFile(file, JSON.stringify({ mdns: false, stroe: '/mnt' }))
    const { code, stderr } = await first.refuse(undefined, '--settings', file)
    assert.match(stderr, /^error: .*node\.json: Unrecognized key: "stroe"\nKnown keys: .*store/)
    assert.equal(code, 1)
  })

  it('joins with a token that is whole, covers its name and has not expired, and no other', async () => {
    const first = await fleet.device('first')
    const refused = async (token: string | undefined, said: RegExp) => {
      const { code, stdout, stderr } = await first.refuse(token)
      assert.match(stderr, said)
      assert.deepEqual([code, stdout], [1, ''])
    }
    await refused(undefined, /^error: this device isn't a member of a fleet yet, and has no join token\nMake one with/)
    const token = await fleet.token('--names', 'first*')
    const mistyped = `${token.slice(0, 200)}${token[200] === 'A' ? 'B' : 'A'}${token.slice(201)}`
    await refused(mistyped, /^error: expected a join token, got one that is truncated or mistyped\nCopy the whole line/)
    await refused(token.slice(0, -9), /truncated or mistyped/)
    await refused('node-token', /^error: expected a join token \(thymesh-join-1\.…\), got "node-token"/)

    const { fleet: id } = JSON.parse(await readFile(join(fleet.project, 'thymesh.json'), 'utf8')) as { fleet: string }
    const { members } = await new FleetHome(id, fleet.home).keys()
    const make = (names: string, at: number) =>
      makeJoinToken({ fleet: id, names, days: 1, certificateDays: 1, bootstrap: [] }, [members], new Date(at)).token
    await refused(make('kiosk-*', Date.now()), /the join token is for devices named kiosk-\*, got first/)
    await refused(make('*', Date.now() - 2 * 86_400_000), /the join token expired on .*\nMake a new one/)

    first.start(token)
    await first.logged('that it started', ({ msg }) => msg === 'device started')
    assert.equal(await first.stop(), 0)
  })

  it('says so when another program has its port, and goes on', async t => {
    const other = await fleet.device('other')
    const server = createServer().listen(Number(other.address.split('/').at(-1)), '127.0.0.1')
    t.after(() => server.close())
    await once(server, 'listening')
    other.start(await fleet.token())
    await other.logged('that it can not listen', ({ msg }) => msg.startsWith("can't listen at TCP port "))
    assert.equal(await other.stop(), 0)
    assert.match(
      (await other.refuse(undefined, '--state', '')).stderr,
      /^error: expected a directory for --state, got an empty text/,
    )
  })

  it('may only ask for tokens with names that devices can have', async () => {
    assert.match((await fleet.error('token', '--names', 'A B')).message, /names: expected a device name/)
    assert.match((await fleet.error('token', '--site', 'A B')).message, /site: expected a name/)
    assert.match((await fleet.error('token', '--bootstrap', 'here')).message, /--bootstrap: expected a multiaddr/)
  })
})
