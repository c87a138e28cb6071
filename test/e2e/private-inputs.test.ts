/** Inputs that need credentials, with the real Nix: fetched wherever Nix runs, and nothing is left of a secret. */

import assert from 'node:assert/strict'
import { type ChildProcess, execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { nixSkip, thisSystem } from '../nix/workshop.ts'
import { Fleet } from './helpers/fleet.ts'
import { runToEnd, until } from './helpers/processes.ts'

describe('a private input', { skip: nixSkip() }, () => {
  let fleet: Fleet
  let server: Server
  let url = ''
  let memory = ''
  before(async () => {
    fleet = await Fleet.prepare()
    await fleet.found()
    memory = join(fleet.directory, 'memory')
    await mkdir(memory)
    const tarball = await tarballOf({
      'flake.nix': '{ outputs = { self }: { }; }',
      'thymesh-repository.json': '{ "displayName": "Internal" }',
      'modules/note.nix': '{ settings = { }; portable = { ... }: { etc."note".text = "private"; }; }',
    })
    const wanted = `Basic ${Buffer.from('ada:sesame').toString('base64').replace(/=+$/, '')}`
    server = createServer((request, response) => {
      const right = request.headers.authorization?.replace(/=+$/, '') === wanted
      const path = join(fleet.directory, 'served', new URL(request.url ?? '/', 'http://x').pathname)
      if (right && request.url?.startsWith('/git/')) {
        response.writeHead(existsSync(path) ? 200 : 404)
        response.end(existsSync(path) ? readFileSync(path) : '')
        return
      }
      response.writeHead(right ? 200 : 401, right ? {} : { 'www-authenticate': 'Basic realm="x"' })
      response.end(right ? tarball : '')
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/internal.tar.gz`
    const netrc = join(fleet.directory, 'netrc')
    await writeFile(netrc, 'machine 127.0.0.1 login ada password sesame\n')
    await fleet.json('secret', 'add', 'internal', '--type', 'multi-line', '--from', netrc)
    await fleet.commit('A secret')
  })
  after(async () => {
    server.close()
    await fleet.remove()
  })

  async function tarballOf(files: Record<string, string>): Promise<Buffer> {
    const folder = join(fleet.directory, 'internal')
    for (const [name, text] of Object.entries(files)) {
      await mkdir(join(folder, name, '..'), { recursive: true })
      await writeFile(join(folder, name), text)
    }
    return execFileSync('tar', ['--create', '--gzip', '--directory', fleet.directory, 'internal'])
  }

  /** Names of folders that commands left in memory or beside it. */
  async function left(): Promise<string[]> {
    const beside = await readdir(fleet.directory)
    return [...(await readdir(memory)), ...beside.filter(name => name.startsWith('thymesh-temporary'))]
  }

  it('that a signal interrupts leaves the project as it was, and no plaintext', async () => {
    const folder = join(fleet.directory, 'slow')
    await mkdir(folder)
    // Waits for the end of who called it, instead of locking.
    const script = `#!/bin/sh
case "$*" in *'flake lock'*) echo locking >&2; ls -R '${memory}' > '${folder}/seen'; echo > '${folder}/begun'
  while kill -0 $PPID 2> /dev/null; do sleep 0.05; done; exit 1;; esac
PATH='${process.env.PATH}' exec nix "$@"\n`
    await writeFile(join(folder, 'nix'), script, { mode: 0o755 })
    const env = { PATH: `${folder}:${process.env.PATH}`, XDG_RUNTIME_DIR: memory }
    for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
      const onStart = async (child: ChildProcess) => {
        await until('Nix to lock', async () => (await readdir(folder)).includes('begun'))
        child.kill(signal)
      }
      const ended = await fleet.runWith({ env, onStart }, 'input', 'add', 'internal', url, '--secret', 'internal')
      // A task that is told to end is cancelled.
      assert.equal(ended.code, signal === 'SIGTERM' ? 1 : null, ended.stderr)
      assert.match(await readFile(join(folder, 'seen'), 'utf8'), /netrc/)
      await rm(join(folder, 'begun'))
      assert.equal(await fleet.git('status', '--porcelain'), '')
      if (signal === 'SIGTERM') assert.deepEqual(await left(), [])
    }
    assert.notDeepEqual(await left(), [], 'a crash leaves it')
    await fleet.runWith({ env: { XDG_RUNTIME_DIR: memory } }, 'secret', 'list')
    assert.deepEqual(await left(), [], 'until the next command')
  })

  it('of a Git server is fetched with its secret, and without it the reason is told', async () => {
    const bare = join(fleet.directory, 'served/git/tools.git')
    const git = (...args: string[]) =>
      execFileSync('git', ['-c', 'user.name=a', '-c', 'user.email=a@b', ...args], {
        cwd: join(fleet.directory, 'internal'),
      })
    git('init', '-q', '-b', 'main')
    git('add', '.')
    git('commit', '-q', '-m', 'tools')
    git('clone', '-q', '--bare', '.', bare)
    git('-C', bare, 'update-server-info')
    const tools = `git+${url.replace(/internal.*/, 'git/tools.git')}?ref=main`
    const refused = await fleet.error('input', 'add', 'tools', tools)
    assert.equal(refused.code, 'input-failed')
    assert.match(refused.message, /could not read Username for 'http:/)
    assert.equal(await fleet.git('status', '--porcelain'), '')
    await fleet.json('input', 'add', 'tools', tools, '--secret', 'internal')
    assert.match(await readFile(join(fleet.project, 'thymesh.json'), 'utf8'), /"tools"/)
    // What an input needs goes with it.
    await fleet.json('input', 'remove', 'tools')
    assert.equal(await fleet.git('status', '--porcelain', '--', 'flake.nix', 'thymesh.json'), '')
    await fleet.git('rm', '-q', '-f', 'flake.lock')
  })

  it('is fetched with its secret wherever Nix runs', async () => {
    const refused = await fleet.error('input', 'add', 'internal', url)
    assert.equal(refused.code, 'input-failed')
    assert.equal(await fleet.git('status', '--porcelain'), '')
    const added = await fleet.json<{ written: string[] }>('input', 'add', 'internal', url, '--secret', 'internal')
    assert.deepEqual(added.written, ['flake.nix', 'thymesh.json', 'flake.lock'])
    await fleet.commit('Add it', {
      'configs/hello.json': { system: thisSystem, modules: { hello: {}, 'internal/note': {} } },
    })
    for (const command of [['check'], ['build'], ['input', 'show', 'internal'], ['module', 'list']]) {
      await forget()
      const ended = await fleet.run(...command)
      assert.equal(ended.code, 0, `${command.join(' ')}: ${ended.stdout}${ended.stderr}`)
    }
    // Somebody who lacks the secret.
    await forget()
    const project = JSON.parse(await readFile(join(fleet.project, 'thymesh.json'), 'utf8'))
    await fleet.write({ 'thymesh.json': { ...project, inputs: undefined } })
    const without = await fleet.run('check')
    assert.equal(without.code, 1)
    assert.match(without.stdout, /^flake\.nix: unable to download .*401/m)
    assert.doesNotMatch(without.stdout, /modules\//)
    const listed = await fleet.json<{ artifacts: { path: string }[]; unread: string }>('artifact', 'list')
    assert.deepEqual(
      listed.artifacts.map(({ path }) => path),
      ['README.md'],
    )
    assert.match(listed.unread, /^flake\.nix: unable to download .*401/)
    await fleet.git('checkout', '-q', '--', 'thymesh.json')
    await forget()
    const deployed = await fleet.run('deploy', '--timeout', '0')
    assert.equal(deployed.code, 2, deployed.stderr)
  })

  /** As a colleague has it: neither the operator's store nor Nix's caches know the input. */
  async function forget(): Promise<void> {
    for (const folder of ['operator/nix', '.cache']) {
      await runToEnd('chmod', ['-R', 'u+w', join(fleet.directory, folder)], { cwd: fleet.directory, env: fleet.env })
      await rm(join(fleet.directory, folder), { recursive: true, force: true })
    }
  }
})
