/** examples/web: the project builds, and its application answers from a root that has nothing but the store. */

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { after, before, describe, it } from 'node:test'
import { replaceOnce } from '../helpers/replace.ts'
import { nixSkip, succeeded, thisSystem, Workshop } from './workshop.ts'

const example = join(import.meta.dirname, '../../examples/web')

/** Far longer than Node.js needs to start on a loaded machine. */
const START_TIMEOUT_MS = 300_000

describe('examples/web', { skip: nixSkip() }, () => {
  const workshop = new Workshop()
  after(() => workshop.remove())
  const project = workshop.project({})
  let top = ''

  before(async () => {
    cpSync(example, project, { recursive: true })
    rmSync(join(project, 'interpreter.json'), { force: true })
    workshop.write(project, { 'configs/web.json': { system: thisSystem, modules: { web: { message: 'one' } } } })
  })

  it('says what to do while the interpreter is not there', async () => {
    const said = await workshop.evaluationError(project, 'thymesh.configs.web.drvPath')
    assert.match(said, /interpreter\.json: has nothing for .*; run \.\/fetch-interpreter/)
  })

  it('builds to a closure of over 100 MB that has all that runs', async () => {
    succeeded(await workshop.run(join(project, 'fetch-interpreter'), [process.execPath]))
    top = await workshop.build(project, 'web')
    const closure = succeeded(await workshop.run('nix', ['path-info', '-rS', top]))
    const names = closure.matchAll(/^\/nix\/store\/[a-z0-9]+-(\S+)/gm)
    assert.deepEqual([...names].map(([, name]) => name).sort(), [
      'c-library',
      `nodejs-${process.versions.node}`,
      'thymesh-web',
      'web-app',
    ])
    const size = new RegExp(`^${top}\\s+(\\d+)`, 'm').exec(closure)?.[1]
    assert.ok(Number(size) > 100e6, closure)
  })

  it('answers from an empty root', { skip: process.getuid?.() === 0 ? false : 'chroot needs root' }, async () => {
    succeeded(await workshop.switch(top, 'test'))
    const command = /^ExecStart=(.*)$/m.exec(readFileSync(workshop.at(`${top}/units/web.service`), 'utf8'))?.[1]
    assert.ok(command)
    const server = spawn('chroot', [workshop.root, ...command.split(' ')], {
      env: { PATH: process.env.PATH, WEB_PORT: '0' },
      stdio: ['ignore', 'pipe', 'inherit'],
      timeout: START_TIMEOUT_MS,
    })
    try {
      const [line] = await once(createInterface(server.stdout), 'line')
      const port = /port (\d+)$/.exec(line)?.[1]
      const get = (path: string) => fetch(`http://127.0.0.1:${port}${path}`)
      const about = (await (await get('/')).json()) as Record<string, unknown>
      assert.deepEqual([about.version, about.message, about.pid], ['1', 'one', server.pid])
      assert.equal(about.generation, top)
      assert.deepEqual(await (await get('/healthz')).json(), { ok: true })
      assert.match(await (await get('/page')).text(), /<title>Web application<\/title>/)
      assert.equal((await get('/missing')).status, 404)
    } finally {
      const ended = once(server, 'exit')
      server.kill('SIGTERM')
      await ended
    }
  })

  it('keeps the application when a setting changes and the interpreter when the application does', async () => {
    const read = async (path: string) => readFileSync(workshop.at(path), 'utf8')
    const paths = async (path: string) =>
      succeeded(await workshop.run('nix-store', ['-qR', path]))
        .trim()
        .split('\n')
        .filter(line => line !== path)

    workshop.write(project, { 'configs/web.json': { system: thisSystem, modules: { web: { message: 'two' } } } })
    const setting = await workshop.build(project, 'web')
    assert.notEqual(setting, top)
    assert.deepEqual(await paths(setting), await paths(top))
    // The unit restarts, since it reads the setting when it starts.
    assert.notEqual(await read(`${setting}/units/web.service`), await read(`${top}/units/web.service`))

    const server = join(project, 'app/server.mjs')
    writeFileSync(server, replaceOnce(readFileSync(server, 'utf8'), "version = '1'", "version = '2'"))
    const code = await workshop.build(project, 'web')
    const before = new Set(await paths(setting))
    assert.deepEqual(
      (await paths(code)).filter(path => !before.has(path)).map(path => path.replace(/.*-(web-app)$/, '$1')),
      ['web-app'],
    )
  })

  it('has a program that starts the application', () => {
    assert.ok(existsSync(workshop.at(`${top}/sw/bin`)))
    const app = readFileSync(workshop.at(`${top}/units/web.service`), 'utf8').match(/(\S+)\/server\.mjs/)?.[1]
    const program = readFileSync(workshop.at(`${app}/bin/web-app`), 'utf8')
    assert.match(program, new RegExp(`^#!/bin/sh\nexec .*/bin/node ${app}/server\\.mjs "\\$@"\n$`))
  })
})
