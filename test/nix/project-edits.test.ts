/** Edits of the project over the API: previews that write nothing, and writes of only what was seen, all of it or nothing. */

import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { writes } from '../../controller/api/writes.ts'
import { git } from '../../controller/project/git.ts'
import { servedProject } from '../helpers/project-api.ts'
import { ask, type Reply } from '../helpers/served-api.ts'
import { nixSkip, Workshop } from './workshop.ts'

const files = {
  'modules/web.nix': '{ settings.port = { type = "int"; default = 80; }; portable = _: { }; }\n',
  'tags/office.json': { modules: {} },
  'configs/shop.json': { tags: ['office'], modules: { web: { port: 81 } } },
  'devices/one.json': { config: 'shop' },
}
const set = (value: unknown) => ({ do: 'set', in: 'configs', name: 'shop', path: ['modules', 'web', 'port'], value })

describe('edits of the project', { skip: nixSkip() }, () => {
  const workshop = new Workshop()
  const environment = { THYMESH_HOME: workshop.at('/home'), XDG_CACHE_HOME: workshop.at('/cache') }
  Object.assign(process.env, workshop.environment, environment)
  after(() => workshop.remove())

  async function post(file: string, what: 'preview' | 'edit' | 'commit', body: object): Promise<Reply> {
    const { path, answer } = writes[what]
    const headers = { 'Content-Type': 'application/json' }
    const reply = await ask(file, path, { method: 'POST', headers, body: JSON.stringify(body) })
    if (reply.status === 200) assert.deepEqual(answer.parse(reply.json), reply.json)
    return reply
  }
  type File = { file: string; before: string | null; after: string | null; changes: unknown[] }
  const seenIn = ({ json }: Reply) =>
    Object.fromEntries((json.files as File[]).map(({ file, before }) => [file, before]))
  const code = ({ status, json }: Reply) => [status, json.error?.code]

  it('are committed later, with what an editor wrote, and without what came since they were listed', async t => {
    const { file, directory } = await servedProject(t, files)
    await writeFile(join(directory, 'README.md'), 'by hand\n')
    const listed = ((await ask(file, '/v1/project')).json.changed as File[]).map(each => each.file)
    assert.deepEqual(listed, ['README.md'])
    await writeFile(join(directory, 'later.md'), 'since\n')
    const done = await post(file, 'commit', { message: 'By hand', files: [...listed, 'none.md'] })
    assert.deepEqual(await git(directory, ['log', '-1', '--format=%H %s']), [`${done.json.commit} By hand`])
    assert.deepEqual(await git(directory, ['status', '--porcelain']), ['?? later.md'])
    assert.deepEqual((await post(file, 'commit', { message: 'Again', files: listed })).json, { commit: null })
    assert.equal((await post(file, 'commit', { message: '', files: listed })).status, 400)
  })

  it('are shown before they are made, and written with a commit', async t => {
    const { file, directory, load } = await servedProject(t, files)
    const shop = join(directory, 'configs/shop.json')
    const before = await readFile(shop, 'utf8')
    const { events } = await load()
    const start = events.last
    const preview = await post(file, 'preview', { edits: [set(8080)] })
    const [changed] = preview.json.files as File[]
    assert.deepEqual(changed?.changes, [{ path: ['modules', 'web', 'port'], before: 81, after: 8080 }])
    assert.deepEqual([preview.json.problems, preview.json.others], [[], []])
    assert.equal(await readFile(shop, 'utf8'), before, 'a preview writes nothing')
    const done = await post(file, 'edit', { edits: [set(8080)], seen: seenIn(preview), commit: 'Another port' })
    assert.deepEqual([done.status, done.json.written, done.json.commitError], [200, ['configs/shop.json'], null])
    assert.equal(await readFile(shop, 'utf8'), before.replace('81', '8080'))
    assert.deepEqual(await git(directory, ['log', '-1', '--format=%H %s']), [`${done.json.commit} Another port`])
    assert.deepEqual(await git(directory, ['status', '--porcelain']), [])
    const told = events.after(start) ?? []
    assert.deepEqual(
      told.map(({ kind, data }) => [kind, JSON.parse(data)]),
      [['project', { files: ['configs/shop.json'] }]],
    )
  })

  it('of several kinds are one edit', async t => {
    const { file, directory } = await servedProject(t, files)
    const edits = [
      { do: 'add', in: 'tags', name: 'fast', content: { priority: 5, modules: { web: { port: 5 } } } },
      { do: 'set', in: 'configs', name: 'shop', path: ['tags'], value: ['office', 'fast'] },
      { do: 'rename', in: 'configs', name: 'shop', to: 'store' },
      { do: 'add', in: 'devices', name: 'two', content: { config: 'store' } },
      { do: 'reset', in: 'configs', name: 'store', path: ['modules', 'web', 'port'] },
      { do: 'add-module', name: 'greeting' },
      { do: 'set', in: 'devices', name: 'two', path: ['modules', 'greeting'], value: { enable: true } },
      { do: 'set-in-file', file: 'thymesh.json', path: ['autoUpdate'], value: { schedule: '0 3 * * 1' } },
      { do: 'set-in-file', file: 'rollout.json', path: ['waves'], value: [{ count: 1 }, { percent: 100 }] },
    ]
    const preview = await post(file, 'preview', { edits })
    assert.deepEqual(preview.json.problems, [])
    const done = await post(file, 'edit', { edits, seen: seenIn(preview), commit: 'Many' })
    assert.deepEqual([code(done), done.json.commitError], [[200, undefined], null])
    assert.deepEqual(await git(directory, ['ls-files', '--', 'configs', 'tags', 'devices', 'modules']), [
      ...['configs/store.json', 'devices/one.json', 'devices/two.json', 'modules/greeting.nix', 'modules/web.nix'],
      ...['tags/fast.json', 'tags/office.json'],
    ])
    assert.equal(JSON.parse(await readFile(join(directory, 'devices/one.json'), 'utf8')).config, 'store')
    const { json } = await ask(file, '/v1/project/devices/two')
    const values = json.values as { module: string; value: unknown; from: { name: string } }[]
    assert.deepEqual(
      values.map(({ module, value, from }) => [module, value, from.name]),
      [
        ['greeting', true, 'two'],
        ['web', 5, 'fast'],
      ],
    )
  })

  it('that make something wrong are shown with file and line, and refused', async t => {
    const { file, directory } = await servedProject(t, files)
    const cases: [object, string, number][] = [
      [set('x'), 'configs/shop.json', 7],
      [{ do: 'write', in: 'configs', name: 'shop', text: '{\n  "modules":\n}' }, 'configs/shop.json', 3],
      [{ do: 'set-in-file', file: 'thymesh.json', path: ['autoUpdate'], value: { schedule: 'x' } }, 'thymesh.json', 5],
      [{ do: 'set-in-file', file: 'rollout.json', path: ['waves'], value: [] }, 'rollout.json', 2],
      [{ do: 'write-module', name: 'web', text: '{ settings.port = { type = "number"; }; }\n' }, 'modules/web.nix', 0],
    ]
    for (const [edit, name, line] of cases) {
      const preview = await post(file, 'preview', { edits: [edit] })
      const [problem] = preview.json.problems as { file: string; line: number | null }[]
      assert.deepEqual([problem?.file, problem?.line ?? 0], [name, line], JSON.stringify(preview.json))
      const refused = await post(file, 'edit', { edits: [edit], seen: seenIn(preview) })
      assert.deepEqual(code(refused), [422, 'invalid-project'])
    }
    assert.deepEqual(await git(directory, ['status', '--porcelain']), [])
  })

  it('of what was changed meanwhile, has merge markers, or was not seen are refused, and nothing is lost', async t => {
    const { file, directory } = await servedProject(t, files)
    const shop = join(directory, 'configs/shop.json')
    const seen = seenIn(await post(file, 'preview', { edits: [set(1)] }))
    const theirs = '{ "modules": { "web": { "port": 7 } } }\n'
    await writeFile(shop, theirs)
    assert.deepEqual(code(await post(file, 'edit', { edits: [set(1)], seen })), [409, 'changed-meanwhile'])
    assert.deepEqual(code(await post(file, 'edit', { edits: [set(1)], seen: {} })), [422, 'not-seen'])
    assert.equal(await readFile(shop, 'utf8'), theirs)
    const marked = `{\n<<<<<<< ours\n  "tags": []\n=======\n  "tags": ["office"]\n>>>>>>> theirs\n}\n`
    await writeFile(shop, marked)
    const refused = await post(file, 'preview', { edits: [set(1)] })
    assert.deepEqual(code(refused), [422, 'invalid-project'])
    assert.match(refused.json.error?.message ?? '', /configs\/shop\.json:2:1: has a merge conflict marker/)
    const over = { do: 'write', in: 'configs', name: 'shop', text: '{}\n' }
    assert.deepEqual(code(await post(file, 'preview', { edits: [over] })), [409, 'merge-conflict'])
    assert.equal(await readFile(shop, 'utf8'), marked)
  })

  it('lead nowhere out of the project, and never change its fleet', async t => {
    const { file, directory } = await servedProject(t, files)
    const secret = join(directory, 'secret.json')
    await writeFile(secret, '{}\n')
    const odd: [object, number, string][] = [
      [{ do: 'set', in: 'configs', name: '../secret', path: ['a'], value: 1 }, 404, 'no-such-entry'],
      [{ do: 'write', in: 'configs', name: '../secret', text: '{}' }, 404, 'no-such-entry'],
      [{ do: 'remove', in: 'configs', name: '../secret' }, 404, 'no-such-entry'],
      [{ do: 'rename', in: 'configs', name: 'shop', to: '../shop' }, 422, 'invalid-name'],
      [{ do: 'add', in: 'configs', name: 'a/b', content: {} }, 422, 'invalid-name'],
      [{ do: 'add-module', name: '../x' }, 422, 'invalid-name'],
      [{ do: 'write-module', name: '../flake', text: '' }, 404, 'no-such-entry'],
      [{ do: 'set-in-file', file: 'thymesh.json', path: ['fleet'], value: 'x' }, 422, 'invalid-name'],
      [{ do: 'set-in-file', file: '/etc/passwd', path: ['x'], value: 1 }, 400, 'not-understood'],
      [{ do: 'set', in: 'configs', name: 'shop', path: ['modules', 0], value: 1 }, 404, 'no-such-entry'],
      [{ do: 'set', in: 'configs', name: 'shop', path: ['tags'] }, 400, 'not-understood'],
      [{ do: 'set', in: 'configs', name: 'shop', path: ['a'], value: 1, also: 2 }, 400, 'not-understood'],
      [{ do: 'run', in: 'configs', name: 'shop' }, 400, 'not-understood'],
    ]
    for (const [edit, ...expected] of odd) {
      assert.deepEqual(code(await post(file, 'preview', { edits: [edit] })), expected, JSON.stringify(edit))
    }
    assert.equal(await readFile(secret, 'utf8'), '{}\n')
  })

  it('by two at once are one after the other: the second is told', async t => {
    const { file, directory } = await servedProject(t, files)
    const seen = seenIn(await post(file, 'preview', { edits: [set(1)] }))
    const replies = await Promise.all([1, 2].map(port => post(file, 'edit', { edits: [set(port)], seen })))
    const codes = replies.map(code).sort()
    assert.deepEqual(codes[0], [200, undefined])
    assert.match(String(codes[1]?.[1]), /^(?:changed-meanwhile|busy)$/)
    assert.match(await readFile(join(directory, 'configs/shop.json'), 'utf8'), /"port": [12]$/m)
  })

  it('are written also where Git refuses the commit, which the answer says', async t => {
    const { file, directory } = await servedProject(t, files)
    await writeFile(join(directory, '.git/hooks/pre-commit'), '#!/bin/sh\necho no >&2\nexit 1\n', { mode: 0o755 })
    const seen = seenIn(await post(file, 'preview', { edits: [set(1)] }))
    const { status, json } = await post(file, 'edit', { edits: [set(1)], seen, commit: 'x' })
    const refusal = json.commitError as { code: string } | null
    assert.deepEqual(
      [status, json.written, json.commit, refusal?.code],
      [200, ['configs/shop.json'], null, 'git-failed'],
    )
  })
})
