/** Tests of secrets as the real git takes them: for their hosts only, and without asking anybody. */

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { Credentials } from './credentials.ts'
import { netrcLogins, tokenLogins } from './git-credentials.ts'

const netrc = `machine git.example login ada password se'sa"me$x
machine 127.0.0.1:8080 login port password with-port
machine 127.0.0.1 login ben
  password b\\en account x
machine password login machine password login
default login nobody password nothing`

async function ask(t: TestContext, texts: readonly string[], url: string): Promise<Record<string, string> | undefined> {
  const credentials = await Credentials.write(texts)
  t.after(() => credentials.remove())
  const env = { PATH: process.env.PATH, HOME: '/nonexistent', GIT_CONFIG_NOSYSTEM: '1', ...credentials.environment }
  const asked = spawnSync('git', ['credential', 'fill'], { input: `url=${url}\n\n`, env, encoding: 'utf8' })
  if (asked.status !== 0) return undefined
  return Object.fromEntries(asked.stdout.split('\n').map(line => line.split(/=(.*)/s).slice(0, 2) as [string, string]))
}

describe('git gets the secret of an input', () => {
  it('from a netrc file, for its host with or without a port', async t => {
    const logins = {
      'https://git.example/a.git': 'ada',
      'http://127.0.0.1:8080/': 'port',
      'http://127.0.0.1:81/': 'ben',
    }
    for (const [url, user] of Object.entries(logins)) assert.equal((await ask(t, [netrc], url))?.username, user, url)
    assert.equal((await ask(t, [netrc], 'https://git.example/'))?.password, `se'sa"me$x`)
    assert.equal((await ask(t, [netrc], 'http://127.0.0.1/'))?.password, 'b\\en')
  })

  it('from a token, whatever kind Nix calls it', async t => {
    const texts = ['github.example=ghp_1 gitlab.example=PAT:glpat=2']
    assert.equal((await ask(t, texts, 'https://github.example/x'))?.password, 'ghp_1')
    assert.equal((await ask(t, texts, 'https://gitlab.example/x'))?.password, 'glpat=2')
  })

  it('and for no other host, and asks nobody', async t => {
    for (const url of ['https://other.example/', 'https://git.example.evil/', 'https://example/'])
      assert.equal(await ask(t, [netrc, 'github.example=ghp_1'], url), undefined, url)
    assert.equal(await ask(t, [], 'https://git.example/'), undefined)
  })

  it('and tells no other helper of it, and opens no window', async t => {
    const home = await mkdtemp(join(tmpdir(), 'thymesh-git-'))
    t.after(() => rm(home, { recursive: true }))
    const window = join(home, 'window')
    await writeFile(join(home, '.gitconfig'), '[credential]\n\thelper = store\n')
    await writeFile(window, '#!/bin/sh\ntouch "$HOME/opened"\n', { mode: 0o755 })
    const credentials = await Credentials.write([netrc])
    t.after(() => credentials.remove())
    const own = {
      PATH: process.env.PATH,
      HOME: home,
      GIT_CONFIG_NOSYSTEM: '1',
      SSH_ASKPASS: window,
      GIT_ASKPASS: window,
    }
    const git = (what: string, input: string) =>
      spawnSync('git', ['credential', what], { input, env: { ...own, ...credentials.environment }, encoding: 'utf8' })
    const filled = git('fill', 'url=https://git.example/a\n\n')
    assert.match(filled.stdout, /^username=ada$/m)
    git('approve', filled.stdout)
    assert.notEqual(git('fill', 'url=https://other.example/\n\n').status, 0)
    assert.deepEqual((await readdir(home)).toSorted(), ['.gitconfig', 'window'])
  })
})

it('entries without a host, user or password are none', () => {
  assert.deepEqual(netrcLogins('machine a login b\nmachine c password d\ndefault login e password f'), [])
  assert.deepEqual(netrcLogins(''), [])
  assert.deepEqual(tokenLogins(['x', '=y', 'z=']), [])
})
