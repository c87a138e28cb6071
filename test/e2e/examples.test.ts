/** The examples: `thymesh check` accepts each, those that need no nixpkgs are built and deployed, and their programs do what they say. */

import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { after, before, describe, it, type TestContext } from 'node:test'
import { main } from '../helpers/program.ts'
import { nixSkip } from '../nix/workshop.ts'
import { become } from './helpers/examples.ts'
import { Fleet } from './helpers/fleet.ts'
import { freePort, runToEnd } from './helpers/processes.ts'

const repository = resolve(import.meta.dirname, '../..')

describe('examples', { skip: nixSkip() }, () => {
  let fleet: Fleet
  before(async () => {
    fleet = await Fleet.prepare()
    await fleet.found()
  })
  after(() => fleet.remove())

  for (const example of ['container', 'kiosk', 'python-service', 'qt6', 'sensor', 'web', 'ship']) {
    it(`thymesh check accepts ${example}`, async () => {
      await become(fleet, example)
      const ended = await fleet.run('check')
      assert.equal(ended.code, 0, ended.stdout + ended.stderr)
    })
  }
})

describe('examples that need no nixpkgs', { skip: nixSkip() }, () => {
  /** Of each example the devices that have the most of their own. */
  const names = ['north', 'roof', 'hub', 'board', 'two'] as const
  let fleet: Fleet
  before(async () => {
    fleet = await Fleet.prepare()
    await fleet.found()
  })
  after(() => fleet.remove())
  const device = (name: (typeof names)[number]) => fleet.device(name)
  const unit = async (name: (typeof names)[number], file: string) =>
    await (await device(name)).read(`/run/systemd/system/${file}`)

  it('are deployed, all in one release', async () => {
    await become(fleet, 'web', 'sensor', 'container', 'python-service')
    const interpreter = await runToEnd(join(fleet.project, 'fetch-interpreter'), [process.execPath], {
      cwd: fleet.project,
      env: { ...fleet.env, NIX_REMOTE: `local?root=${fleet.store}` },
    })
    assert.equal(interpreter.code, 0, interpreter.stderr)
    await fleet.commit('An interpreter')
    const token = await fleet.token()
    for (const name of names) (await device(name)).start(token)
    const waitFor = names.flatMap(name => ['--wait-for', name])
    const { devices } = await fleet.json('deploy', ...waitFor, '--timeout', '240')
    assert.deepEqual(
      devices.filter(({ state }) => state !== 'unseen').map(({ device, state }) => [device, state]),
      [...names].sort().map(name => [name, 'running']),
    )
  })

  it("web: the application answers, from the device's store alone", async t => {
    const north = await device('north')
    const [, command = ''] = /^ExecStart=(.*)$/m.exec(await unit('north', 'web.service')) ?? []
    const argv = await Promise.all(command.split(' ').map(word => (word.startsWith('/') ? north.at(word) : word)))
    assert.ok(
      argv.every(word => !word.startsWith('/') || word.startsWith(`${north.root}/nix/store/`)),
      command,
    )
    const line = await firstLine(start(t, argv, { WEB_PORT: '0' }))
    const answer = await fetch(`http://127.0.0.1:${/port (\d+)$/.exec(line)?.[1]}/`)
    const { message, node } = (await answer.json()) as Record<string, string>
    assert.deepEqual([message, node], ['hello', process.version])
  })

  it('sensor: the sensor knows its name, and reports to the hub', async t => {
    const [roof, hub, directory] = [await device('roof'), await device('hub'), await scratch(t)]
    assert.match(await unit('roof', 'sensor.timer'), /^OnUnitActiveSec=1min$/m)
    assert.match(await unit('roof', 'sensor.service'), / \/etc\/sensor\/sensor\.py \/etc\/sensor\/config\.json$/m)
    assert.match(await unit('hub', 'collector.service'), / \/etc\/collector\/collector\.py 8100$/m)
    assert.equal(JSON.parse(await hub.etc('thymesh-node.json')).dht, 'server')

    const port = await freePort()
    const collector = ['python3', '-u', await hub.at('/etc/collector/collector.py'), String(port)]
    await firstLine(start(t, collector, { STATE_DIRECTORY: directory }))
    const config = JSON.parse(await roof.read('/etc/sensor/config.json'))
    assert.equal(config.collector, 'http://hub:8100/')
    // No such board, and no such name, is here.
    const here = { ...config, source: join(directory, 'temp'), collector: `http://127.0.0.1:${port}/` }
    await writeFile(here.source, '21500\n')
    await writeFile(join(directory, 'config.json'), JSON.stringify(here))
    const sensor = ['python3', await roof.at('/etc/sensor/sensor.py'), join(directory, 'config.json')]
    assert.equal((await once(start(t, sensor, { STATE_DIRECTORY: directory }), 'exit'))[0], 0)
    const latest = (await (await fetch(here.collector)).json()) as Record<string, { value: number }>
    assert.equal(latest['roof/temperature']?.value, 21.5)
  })

  it('container: the unit runs the image, and the page is put in its place before', async () => {
    const board = await device('board')
    const page = await unit('board', 'container-page.service')
    assert.match(page, /"--volume=\/srv\/page:\/usr\/share\/nginx\/html:ro".*"docker\.io\/library\/nginx:1\.27-alpine"/)
    assert.equal(await unit('board', 'multi-user.target.wants/container-page.service'), page)
    // A program that has mounted a folder doesn't see the one that replaces it.
    assert.match(page, /^PartOf=thymesh-files\.service$/m)

    const [, script = ''] =
      /^ExecStart=\/bin\/sh -euc (".*")$/m.exec(await unit('board', 'thymesh-files.service')) ?? []
    const onDevice: string = JSON.parse(script).replaceAll('%%', '%').replaceAll('$$', '$')
    const here = onDevice.replaceAll(/\/(?:nix|srv|var)\//g, path => board.root + path)
    const owner = `${process.getuid?.()}:${process.getgid?.()}`
    const place = { cwd: board.root, env: { PATH: process.env.PATH } }
    const ended = await runToEnd('sh', ['-euc', here.replaceAll('root:root', owner)], place)
    assert.equal(ended.code, 0, ended.stderr)
    const original = join(repository, 'examples/container/artifacts/page/index.html')
    assert.equal(await board.read('/srv/page/index.html'), await readFile(original, 'utf8'))
  })

  it('python-service: the service greets as the device says, beside its script on a schedule', async t => {
    const two = await device('two')
    const service = await unit('two', 'web-service.service')
    const [, folder = ''] = /^WorkingDirectory=(.*)$/m.exec(service) ?? []
    const [, greeting = ''] = /GREETING=([^"\n]*)/.exec(service) ?? []
    assert.equal(greeting, 'Hello from the south')
    const port = await freePort()
    const program = await two.at(`${folder}/service.py`)
    await firstLine(start(t, ['python3', '-u', program], { PORT: String(port), GREETING: greeting }))
    const answer = (await (await fetch(`http://127.0.0.1:${port}/`)).json()) as { greeting: string }
    assert.equal(answer.greeting, greeting)
    assert.match(await unit('two', 'bash-disk-space.timer'), /^OnCalendar=hourly$/m)
    assert.match(await unit('two', 'bash-disk-space.service'), /\/etc\/thymesh-programs\/bash-disk-space$/m)
    assert.match(await two.etc('thymesh-programs/bash-disk-space'), /^df -h \//)
  })
})

describe('the ship of the examples', { skip: nixSkip() }, () => {
  it('gets its release by the weekly stick, and sends its reports home on it', async t => {
    const fleet = await Fleet.prepare()
    t.after(() => fleet.remove())
    await fleet.found()
    await become(fleet, 'ship')
    const { sites } = await fleet.json<{ sites: { site: string; stick: boolean }[] }>('deploy', '--plan')
    assert.deepEqual(
      sites.map(({ site }) => site),
      ['ship'],
    )
    await fleet.run('deploy', '-m', 'on board', '--timeout', '1', '--json')
    const stick = join(fleet.directory, 'stick')
    await mkdir(stick)
    const weekly = async () => {
      const program = `${process.execPath} ${main}`
      const place = { cwd: fleet.project, env: { ...fleet.env, THYMESH: program } }
      const ended = await runToEnd(join(fleet.project, 'weekly-stick'), [stick], place)
      assert.equal(ended.code, 0, ended.stdout + ended.stderr)
      return ended.stdout
    }
    assert.match(await weekly(), /Release 2 for bridge.*The stick may be removed\./s)
    const mess = await fleet.device('mess')
    mess.start(await fleet.token('--site', 'ship'))
    await mess.logged('that it has started', line => line.msg === 'device started')
    const taken = await fleet.run('bundle', 'take', join(stick, 'release-2.thymesh'), '--state', mess.state)
    assert.equal(taken.code, 0, taken.stdout + taken.stderr + (await mess.lastLines()))
    // The stick may go once the device has all of it, which is before it runs it.
    await mess.confirmed()
    assert.equal(await mess.etc('logbook/motto'), 'Fair winds\n')
    await fleet.json('carry', 'out', stick, '--state', mess.state)
    await mess.stop()
    const home = await weekly()
    assert.match(home, /mess-1\.age: mess.*: 1 new reports/)
    assert.match(home, /^mess +bridge\S* +2 .* running/m)
  })
})

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

async function firstLine(child: ChildProcess): Promise<string> {
  assert.ok(child.stdout)
  const [line] = await once(createInterface(child.stdout), 'line')
  return line
}
