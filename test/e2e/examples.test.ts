/** The examples: `thymesh check` accepts each, those that need no nixpkgs are built, and their programs do what they say. */

import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cp, mkdtemp, readdir, readFile, readlink, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { after, before, describe, it, type TestContext } from 'node:test'
import { nixSkip, thisSystem, Workshop } from '../nix/workshop.ts'
import { Fleet } from './helpers/fleet.ts'
import { freePort } from './helpers/processes.ts'

const repository = resolve(import.meta.dirname, '../..')
const stub = join(repository, 'test/nix/nixos-stub')

/** The fleet's project becomes this example, or several at once. */
async function become(fleet: Fleet, ...examples: string[]): Promise<void> {
  for (const folder of ['configs', 'devices', 'modules', 'tags', 'artifacts', 'app', 'packages']) {
    await rm(join(fleet.project, folder), { recursive: true, force: true })
  }
  for (const example of examples) {
    await cp(join(repository, 'examples', example), fleet.project, { recursive: true })
    const flake = await readFile(join(fleet.project, 'flake.nix'), 'utf8')
    // What the README says to add; here a stand-in, which needs no network.
    await writeFile(join(fleet.project, 'flake.nix'), flake.replace(/github:NixOS\/nixpkgs\/[^"]*/, `path:${stub}`))
  }
  for (const file of await readdir(join(fleet.project, 'configs'))) {
    const config = JSON.parse(await readFile(join(fleet.project, 'configs', file), 'utf8'))
    if (config.type === undefined) await fleet.write({ [`configs/${file}`]: { ...config, system: thisSystem } })
  }
  await fleet.commit(examples.join(' and '))
}

describe('examples', { skip: nixSkip() }, () => {
  let fleet: Fleet
  before(async () => {
    fleet = await Fleet.prepare()
    await fleet.found()
  })
  after(() => fleet.remove())

  for (const example of ['container', 'kiosk', 'python-service', 'qt6', 'sensor', 'web']) {
    it(`thymesh check accepts ${example}`, async () => {
      await become(fleet, example)
      const ended = await fleet.run('check')
      assert.equal(ended.code, 0, ended.stdout + ended.stderr)
    })
  }
})

describe('systems of the examples', { skip: nixSkip() }, () => {
  const workshop = new Workshop()
  after(() => workshop.remove())

  /** Builds one config of an example; gives a reader of its files. */
  async function built(example: string, config: string): Promise<(path: string) => Promise<string>> {
    const project = workshop.project({})
    await cp(join(repository, 'examples', example), project, { recursive: true })
    const [base = ''] = config.split('--')
    const file = join(project, `configs/${base}.json`)
    await writeFile(file, JSON.stringify({ ...JSON.parse(await readFile(file, 'utf8')), system: thisSystem }))
    const top = await workshop.build(project, config)
    return async path => await readFile(workshop.at(await realStorePath(workshop, join(top, path))), 'utf8')
  }

  it('are built without nixpkgs, each device with what is its own', async () => {
    const hub = await built('sensor', 'hub')
    assert.match(await hub('etc/collector/collector.py'), /latest of each device/)
    assert.equal(JSON.parse(await hub('etc/thymesh-node.json')).dht, 'server')
    const roof = await built('sensor', 'sensor--roof')
    assert.equal(JSON.parse(await roof('etc/sensor/config.json')).name, 'roof')
    const page = await built('container', 'page')
    assert.match(await page('units/container-page.service'), /"docker\.io\/library\/nginx:1\.27-alpine"/)
    const two = await built('python-service', 'service--two')
    assert.match(await two('units/web-service.service'), /GREETING=Hello from the south/)
  })
})

/** Links within a store lead to /nix/store, which lies elsewhere here. */
async function realStorePath(workshop: Workshop, path: string): Promise<string> {
  return await readlink(workshop.at(path)).catch(() => path)
}

describe('programs of the examples', () => {
  it('a sensor reports to the collector, and later what it could not report at once', async t => {
    const directory = await scratch(t)
    const app = join(repository, 'examples/sensor/app')
    const source = join(directory, 'temp')
    const config = join(directory, 'config.json')
    const port = await freePort()
    await writeFile(source, '41250\n')
    const collector = `http://127.0.0.1:${port}/`
    await writeFile(config, JSON.stringify({ source, quantity: 'temperature', divisor: 1000, collector, name: 'roof' }))
    const read = async () => {
      const child = start(t, ['python3', join(app, 'sensor.py'), config], { STATE_DIRECTORY: directory })
      assert.equal((await once(child, 'exit'))[0], 0)
    }
    await read()
    const waiting = async () => JSON.parse(await readFile(join(directory, 'waiting.json'), 'utf8')).length
    assert.equal(await waiting(), 1)

    await firstLine(
      start(t, ['python3', '-u', join(app, 'collector.py'), String(port)], { STATE_DIRECTORY: directory }),
    )
    await read()
    assert.equal(await waiting(), 0)
    const latest = (await (await fetch(collector)).json()) as Record<string, { value: number }>
    assert.equal(latest['roof/temperature']?.value, 41.25)
    const days = (await readdir(directory)).filter(name => name.endsWith('.jsonl'))
    assert.equal((await readFile(join(directory, days[0] ?? ''), 'utf8')).trim().split('\n').length, 2)
    assert.equal((await fetch(collector, { method: 'POST', body: '[{"device": 1}]' })).status, 400)
  })

  it('the Python service answers, with its greeting and its health', async t => {
    const port = await freePort()
    const program = join(repository, 'examples/python-service/artifacts/service/service.py')
    await firstLine(start(t, ['python3', '-u', program], { PORT: String(port), GREETING: 'moin' }))
    const get = async (path: string) => await fetch(`http://127.0.0.1:${port}${path}`)
    assert.equal(((await (await get('/')).json()) as { greeting: string }).greeting, 'moin')
    assert.deepEqual(await (await get('/healthz')).json(), { ok: true })
    assert.equal((await get('/other')).status, 404)
  })
})

async function scratch(t: TestContext): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'thymesh-example-'))
  t.after(() => rm(directory, { recursive: true, force: true }))
  return directory
}

function start(t: TestContext, [program = '', ...args]: string[], env: NodeJS.ProcessEnv): ChildProcess {
  const child = spawn(program, args, { env: { PATH: process.env.PATH, ...env }, stdio: ['ignore', 'pipe', 'inherit'] })
  t.after(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return
    child.kill('SIGTERM')
    await once(child, 'exit')
  })
  return child
}

async function firstLine(child: ChildProcess): Promise<void> {
  assert.ok(child.stdout)
  await once(createInterface(child.stdout), 'line')
}
