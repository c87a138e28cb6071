/** The API's routes of the project: its files, where values come from, modules, problems, and the next runs of a schedule. */

import assert from 'node:assert/strict'
import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { projectQuestions } from '../../controller/api/project-questions.ts'
import { servedProject } from '../helpers/project-api.ts'
import { ask, codeOf } from '../helpers/served-api.ts'
import { nixSkip, Workshop } from './workshop.ts'

const module = `{
  displayName = { en = "Web"; de = "Netz"; };
  settings = {
    port = { type = "int"; default = 80; min = 1; example = 8080; description = "Where it listens."; };
    names = { type = "list"; of.type = "string"; };
    tls = { type = "group"; settings.on = { type = "bool"; default = false; }; };
    password = { type = "secret"; required = false; };
    logo = { type = "artifact"; required = false; };
  };
  portable = _: { };
}`

const files = {
  'modules/web.nix': module,
  'tags/office.json': { priority: 50, modules: { web: { port: 50, names: ['office'], logo: 'brand/logo.txt' } } },
  'configs/shop.json': { tags: ['office'], modules: { web: { port: 81, tls: { on: true } } } },
  'devices/one.json': { config: 'shop', site: 'north', modules: { web: { port: 82 } } },
  'devices/two.json': { config: 'shop' },
  'artifacts/logo.txt': 'a logo',
  'artifacts/brand/logo.txt': 'a logo of the brand',
  'secrets/README.md': '',
}

describe('the routes of the project', { skip: nixSkip() }, () => {
  const workshop = new Workshop()
  Object.assign(process.env, workshop.environment, {
    THYMESH_HOME: workshop.at('/home'),
    XDG_CACHE_HOME: workshop.at('/cache'),
  })
  after(() => workshop.remove())

  it('answer as their schemas say', async t => {
    const { file } = await servedProject(t, files)
    for (const [name, { path, answer }] of Object.entries(projectQuestions)) {
      const named: Record<string, string> = {
        projectConfig: 'shop',
        projectTag: 'office',
        projectDevice: 'one',
        projectModule: 'web',
      }
      const place = path.replace('{name}', named[name] ?? '') + (name === 'nextRuns' ? '?cron=0+3+*+*+1' : '')
      const { status, json } = await ask(file, place)
      assert.equal(status, 200, `${place}: ${JSON.stringify(json)}`)
      assert.deepEqual(answer.parse(json), json, `${path} answers with what its schema does not name`)
    }
  })

  it('say which settings and devices use an artifact', async t => {
    const { file } = await servedProject(t, files)
    const { json } = await ask(file, '/v1/project/artifacts')
    assert.deepEqual(json.artifacts, [
      {
        ...{ path: 'brand', kind: 'folder', size: 19 },
        ...{ places: ['tags/office.json (modules.web.logo)'], devices: ['one', 'two'] },
      },
      { path: 'logo.txt', kind: 'file', size: 6, places: [], devices: [] },
    ])
  })

  it('say where each value comes from, and what it overrides', async t => {
    const { file } = await servedProject(t, files)
    const { json } = await ask(file, '/v1/project/devices/one')
    const values = json.values as {
      path: string[]
      value: unknown
      from: object
      overrides: object[]
      adds: object[]
    }[]
    const of = (path: string) => values.find(each => each.path.join('.') === path)
    const port = of('port') ?? assert.fail()
    const [config, tag] = port.overrides
    assert.deepEqual(port.from, {
      level: 'device',
      name: 'one',
      priority: null,
      file: 'devices/one.json',
      line: 6,
      column: 15,
      value: 82,
    })
    assert.deepEqual(config, {
      level: 'config',
      name: 'shop',
      priority: null,
      file: 'configs/shop.json',
      line: 7,
      column: 15,
      value: 81,
    })
    assert.deepEqual(tag, {
      level: 'tag',
      name: 'office',
      priority: 50,
      file: 'tags/office.json',
      line: 5,
      column: 15,
      value: 50,
    })
    assert.deepEqual([of('names')?.value, of('tls.on')?.value, of('password')?.value], [['office'], true, null])
    assert.deepEqual(json.modules, [
      { name: 'web', files: ['devices/one.json', 'configs/shop.json', 'tags/office.json'] },
    ])
    const { json: config2 } = await ask(file, '/v1/project/configs/shop')
    assert.deepEqual(config2.users, ['devices/one.json', 'devices/two.json'])
    assert.deepEqual(await codeOf(file, '/v1/project/configs/nobody'), [404, 'no-such-entry'])
    const { json: web } = await ask(file, '/v1/project/modules/web')
    const { port: declared } = web.settings as Record<string, Record<string, unknown>>
    assert.deepEqual(
      [declared?.type, declared?.default, declared?.example, declared?.description],
      ['int', 80, 8080, { en: 'Where it listens.' }],
    )
  })

  it('show what is not committed and what is wrong, with file and line', async t => {
    const { file, directory } = await servedProject(t, files)
    const shop = join(directory, 'configs/shop.json')
    await writeFile(shop, '{\n  "modules": {\n    "web": { "port": "x" }\n  }\n}\n')
    await writeFile(join(directory, 'configs/new.json'), '{}\n')
    await rm(join(directory, 'devices/two.json'))
    const { json } = await ask(file, '/v1/project')
    assert.deepEqual(json.changed, [
      { file: 'configs/shop.json', state: 'changed' },
      { file: 'devices/two.json', state: 'removed' },
      { file: 'configs/new.json', state: 'added' },
    ])
    assert.deepEqual([json.branch, json.configs, json.devices], ['main', 2, 1])
    const { json: found } = await ask(file, '/v1/project/problems')
    const problem = {
      ...{ file: 'configs/shop.json', line: 3, column: 22, key: 'modules.web.port' },
      message: 'expected a whole number, got "x"',
    }
    assert.deepEqual(found, { ok: false, problems: [problem] })
    const { json: list } = await ask(file, '/v1/project/configs')
    const rows = list.entries as { name: string; problems: unknown[] }[]
    assert.deepEqual(
      rows.map(({ name, problems }) => [name, problems.length]),
      [
        ['new', 0],
        ['shop', 1],
      ],
    )
  })

  it('count the next runs of a schedule', async t => {
    const { file } = await servedProject(t, files)
    const next = async (query: string) => (await ask(file, `/v1/next-runs?${query}`)).json.next as string[]
    const [first = '', second = ''] = await next('cron=0+3+*+*+1&timeZone=Europe/Berlin&count=2')
    assert.deepEqual([new Date(first).getUTCDay(), new Date(first) > new Date(), first < second], [1, true, true])
    const daily = await next('calendar=*-*-*+12:30:00&count=3')
    assert.equal(daily.length, 3)
    assert.ok(
      daily.every(each => each.endsWith('T12:30:00.000Z')),
      daily.join(),
    )
    for (const query of ['cron=x', 'calendar=x', 'calendar=--help', 'cron=0+3+*+*+1&timeZone=Mars']) {
      assert.deepEqual(await codeOf(file, `/v1/next-runs?${query}`), [422, 'no-schedule'], query)
    }
    assert.deepEqual(await codeOf(file, '/v1/next-runs'), [400, 'not-understood'])
  })
})
