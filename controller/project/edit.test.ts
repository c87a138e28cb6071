/** Tests of editing: small diffs, checks before anything is written, and nothing lost that others changed meanwhile. */

import assert from 'node:assert/strict'
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { withCode } from '../../test/helpers/errors.ts'
import { ProjectEdit } from './edit.ts'
import { newText, setValue } from './edit-json.ts'
import { addEntry, fullKey, pathOf, removeEntry, renameEntry, setKey, unsetKey } from './entries.ts'
import { readProjectFiles } from './files.ts'
import { git } from './git.ts'
import { settleWriting, writeFiles } from './write-files.ts'

const web = `{
  "displayName": "Web",
  "target": "portable",
  "modules": {
    "web": { "message": "hello", "port": 8080 }
  }
}
`

async function project(t: TestContext): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'thymesh-edit-'))
  t.after(() => rm(directory, { recursive: true }))
  const files = {
    'configs/web.json': web,
    'tags/site.json': newText({ modules: {} }),
    'devices/one.json': newText({ config: 'web' }),
    'flake.nix': 'not one',
  }
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(directory, name)), { recursive: true })
    await writeFile(join(directory, name), text)
  }
  await git(directory, ['init', '--quiet'])
  await git(directory, ['add', '-A'])
  return directory
}

/** No Nix: what the modules say is known. */
const describeOptions = (directory: string) => ({
  cache: join(directory, '.git/cache'),
  modules: { web: { settings: { message: { type: 'string' }, port: { type: 'int' } } } },
})
const text = (directory: string, file: string) => readFile(join(directory, file), 'utf8')

describe('one value in a JSON text', () => {
  it('is changed without touching the rest', () => {
    assert.equal(setValue(web, ['modules', 'web', 'port'], 9090), web.replace('8080', '9090'))
    assert.equal(setValue(web, ['displayName'], undefined), web.replace('  "displayName": "Web",\n', ''))
  })

  it('comes where the order has it', () => {
    const order = ['displayName', 'system', 'target', 'modules']
    const edited = setValue(web, ['system'], 'aarch64-linux', order)
    assert.equal(edited, web.replace('  "target"', '  "system": "aarch64-linux",\n  "target"'))
    assert.equal(setValue('{}', ['a'], 1), '{\n  "a": 1\n}\n')
  })

  it('is found by a key with dots, and numbers for entries of lists', () => {
    assert.deepEqual(pathOf('modules.web.list.0.x', { modules: { web: { list: [{}] } } }), [
      'modules',
      'web',
      'list',
      0,
      'x',
    ])
    assert.deepEqual(pathOf('modules.0', { modules: {} }), ['modules', '0'])
    assert.throws(() => pathOf('modules..x', {}), withCode('invalid-name', /expected a key such as/))
    assert.equal(fullKey('configs', 'web.port'), 'modules.web.port')
    for (const key of ['modules.web.port', 'tags.0', 'displayName', 'dsplayName']) {
      assert.equal(fullKey('configs', key), key)
    }
  })
})

describe('an edit', () => {
  it('adds, changes, renames and removes entries, wherever they are named', async t => {
    const directory = await project(t)
    const options = describeOptions(directory)
    const change = async (
      work: (edit: ProjectEdit, files: Awaited<ReturnType<typeof readProjectFiles>>) => Promise<void>,
    ) => {
      const edit = new ProjectEdit(directory)
      await work(edit, await readProjectFiles(directory))
      return await edit.apply(options)
    }
    assert.deepEqual(await change(edit => addEntry(edit, 'devices', 'two', { config: 'web', site: undefined })), [
      'devices/two.json',
    ])
    assert.equal(await text(directory, 'devices/two.json'), '{\n  "config": "web"\n}\n')
    assert.deepEqual(
      await git(directory, ['ls-files', '--', 'devices/two.json']),
      ['devices/two.json'],
      'Nix must see it',
    )

    await change((edit, files) => setKey(edit, 'devices', 'two', 'site', ['north'], files))
    assert.equal(await text(directory, 'devices/two.json'), '{\n  "config": "web",\n  "site": "north"\n}\n')
    await change((edit, files) => setKey(edit, 'configs', 'web', 'tags', [['site']], files))
    // A text where the key takes text, whatever else it could be.
    await change((edit, files) => setKey(edit, 'configs', 'web', 'description', [5, '5'], files))
    assert.match(await text(directory, 'configs/web.json'), /"description": "5",\n {2}"target"/)

    await change((edit, files) => renameEntry(edit, 'configs', ['web', 'www'], files))
    assert.deepEqual((await readdir(join(directory, 'configs'))).sort(), ['www.json'])
    assert.match(await text(directory, 'devices/one.json'), /"config": "www"/)
    await change((edit, files) => renameEntry(edit, 'tags', ['site', 'place'], files))
    assert.match(await text(directory, 'configs/www.json'), /"place"/)

    const refused = change((edit, files) => removeEntry(edit, 'tags', 'place', files))
    await assert.rejects(refused, withCode('in-use', /the tag place is in use: configs\/www\.json/))
    await change((edit, files) => unsetKey(edit, 'configs', 'www', 'tags', files))
    assert.deepEqual(await change((edit, files) => removeEntry(edit, 'tags', 'place', files)), ['tags/place.json'])
    assert.deepEqual(await change((edit, files) => setKey(edit, 'devices', 'two', 'site', ['north'], files)), [])
  })

  it('writes nothing over bytes that are no UTF-8, which the check names with their line', async t => {
    const directory = await project(t)
    const bytes = Buffer.from(web.replace('"Web"', '"M\u00fcnchen"'), 'latin1')
    await writeFile(join(directory, 'configs/web.json'), bytes)
    const [problem] = (await readProjectFiles(directory)).problems
    assert.deepEqual([problem?.file, problem?.at?.line], ['configs/web.json', 2])
    assert.match(problem?.message ?? '', /^has bytes that are no UTF-8/)
    const edit = new ProjectEdit(directory)
    const refused = edit.write('configs/web.json', web)
    await assert.rejects(refused, withCode('unreadable', /^configs\/web\.json:2 has bytes that are no UTF-8/))
    assert.deepEqual(await readFile(join(directory, 'configs/web.json')), bytes)
    // What has no text, such as a picture, is replaced as it is.
    await edit.write('configs/web.json', Buffer.from(web))
    assert.deepEqual(edit.changed, ['configs/web.json'])
  })

  it('renames devices and tags in alerts too', async t => {
    const directory = await project(t)
    const rule = { name: 'hot', when: { metric: 'temperature', above: 70, for: '5m' }, notify: ['ops'] }
    const alerts = {
      channels: { ops: { ntfy: 'https://ntfy.sh/x', by: { tags: ['site'] } } },
      rules: [{ ...rule, on: { devices: ['two', 'one'] } }],
    }
    await writeFile(join(directory, 'alerts.json'), newText(alerts))
    const files = await readProjectFiles(directory)
    assert.deepEqual(files.problems, [])
    const edit = new ProjectEdit(directory)
    await renameEntry(edit, 'devices', ['one', 'till'], files)
    await renameEntry(edit, 'tags', ['site', 'place'], files)
    const next = JSON.parse((await edit.read('alerts.json')) ?? '')
    assert.deepEqual([next.rules[0].on, next.channels.ops.by], [{ devices: ['two', 'till'] }, { tags: ['place'] }])
  })

  it('forgets a device in alerts that choose others too, and leaves those that name it alone', async t => {
    const directory = await project(t)
    const rule = { when: { metric: 'temperature', above: 70, for: '5m' }, notify: ['ops'] }
    const alerts = {
      channels: { ops: { ntfy: 'https://ntfy.sh/x', by: { devices: ['one'], tags: ['site'] } } },
      rules: [
        { name: 'hot', ...rule, on: { devices: ['one', 'two'] } },
        { name: 'alone', ...rule, on: { devices: ['one'] } },
        { name: 'others', ...rule, on: { devices: ['two'] } },
      ],
    }
    await writeFile(join(directory, 'alerts.json'), newText(alerts))
    const edit = new ProjectEdit(directory)
    await removeEntry(edit, 'devices', 'one', await readProjectFiles(directory))
    const next = JSON.parse((await edit.read('alerts.json')) ?? '')
    assert.deepEqual(next.channels.ops.by, { tags: ['site'] })
    assert.deepEqual(
      next.rules.map(({ on }: { on: unknown }) => on),
      [{ devices: ['two'] }, { devices: ['one'] }, { devices: ['two'] }],
    )
  })

  it('writes nothing of it when it would make something wrong', async t => {
    const directory = await project(t)
    const files = await readProjectFiles(directory)
    const edit = new ProjectEdit(directory)
    await setKey(edit, 'configs', 'web', 'displayName', ['Other'], files)
    await setKey(edit, 'devices', 'one', 'config', ['nowhere'], files)
    const said = /^devices\/one\.json:2:13: config: there is no configs\/nowhere\.json/
    await assert.rejects(edit.apply(describeOptions(directory)), withCode('invalid-project', said))
    assert.equal(await text(directory, 'configs/web.json'), web)
  })

  it('may mend one of several things that are wrong', async t => {
    const directory = await project(t)
    await writeFile(join(directory, 'devices/bad.json'), '{ "config": 5 }\n')
    await writeFile(join(directory, 'devices/worse.json'), '{ "config": 6 }\n')
    const edit = new ProjectEdit(directory)
    await setKey(edit, 'devices', 'bad', 'config', ['web'], await readProjectFiles(directory))
    assert.deepEqual(await edit.apply(describeOptions(directory)), ['devices/bad.json'])
  })

  it('is refused where a file was changed meanwhile, has a conflict, or is no JSON', async t => {
    const directory = await project(t)
    const files = await readProjectFiles(directory)
    const edit = new ProjectEdit(directory)
    await setKey(edit, 'configs', 'web', 'displayName', ['Other'], files)
    const byHand = web.replace('hello', 'by hand')
    await writeFile(join(directory, 'configs/web.json'), byHand)
    await assert.rejects(edit.apply(describeOptions(directory)), withCode('changed-meanwhile', /configs\/web\.json/))
    assert.equal(await text(directory, 'configs/web.json'), byHand)

    const conflict = '{\n<<<<<<< a\n  "config": "web"\n=======\n>>>>>>> b\n}\n'
    await writeFile(join(directory, 'devices/one.json'), conflict)
    const second = new ProjectEdit(directory)
    await assert.rejects(
      setKey(second, 'devices', 'one', 'site', ['x'], files),
      withCode('invalid-project', /merge conflict marker/),
    )
    await assert.rejects(second.write('devices/one.json', '{}'), withCode('merge-conflict', /devices\/one\.json/))
    assert.equal(await text(directory, 'devices/one.json'), conflict)
  })

  it('keeps the mode of a file, and leaves no draft', async t => {
    const directory = await project(t)
    await chmod(join(directory, 'devices/one.json'), 0o640)
    const edit = new ProjectEdit(directory)
    await setKey(edit, 'devices', 'one', 'site', ['x'], await readProjectFiles(directory))
    await edit.apply(describeOptions(directory))
    assert.equal((await stat(join(directory, 'devices/one.json'))).mode & 0o777, 0o640)
    assert.deepEqual(await readdir(join(directory, 'devices')), ['one.json'])
    assert.ok(!(await readdir(join(directory, '.git'))).includes('thymesh.lock'))
  })

  it('takes the lock of a process that has gone, not of one that is there', async t => {
    const directory = await project(t)
    const set = async (site: string) => {
      const edit = new ProjectEdit(directory)
      await setKey(edit, 'devices', 'one', 'site', [site], await readProjectFiles(directory))
      return await edit.apply(describeOptions(directory))
    }
    await writeFile(join(directory, '.git/thymesh.lock'), String(process.pid))
    await assert.rejects(set('a'), withCode('busy', /another thymesh \(process \d+\)/))
    await writeFile(join(directory, '.git/thymesh.lock'), '999999999')
    assert.deepEqual(await set('a'), ['devices/one.json'])
  })

  it('writes all of its files or none', async t => {
    const directory = await project(t)
    const before = await readFile(join(directory, 'devices/one.json'))
    await mkdir(join(directory, 'folder/full'), { recursive: true })
    const after = Buffer.from('new')
    const changes = [
      { file: 'devices/one.json', before, after },
      { file: 'new.md', before: undefined, after },
      { file: 'tags/site.json', before: await readFile(join(directory, 'tags/site.json')), after: undefined },
      // No file can be renamed over a folder.
      { file: 'folder', before: undefined, after },
    ]
    await assert.rejects(
      writeFiles(directory, changes, async () => {}),
      withCode('not-writable', /folder/),
    )
    assert.equal(await text(directory, 'devices/one.json'), before.toString())
    assert.deepEqual(await readdir(join(directory, 'tags')), ['site.json'])
    assert.deepEqual((await readdir(directory)).sort(), ['.git', 'configs', 'devices', 'flake.nix', 'folder', 'tags'])
  })

  it('that was interrupted is undone or finished by the next command, as far as it had come', async t => {
    const directory = await project(t)
    const journal = join(directory, '.git/thymesh-edit.json')
    const interrupt = async (complete: boolean) => {
      await writeFile(join(directory, 'devices/.1.draft'), 'drafted')
      const files = [
        { file: 'devices/one.json', draft: 'devices/.1.draft' },
        { file: 'tags/site.json', draft: null },
        { file: 'configs/web.json', draft: 'configs/.renamed-already.draft' },
      ]
      await writeFile(journal, JSON.stringify({ complete, files }))
    }
    const before = await text(directory, 'devices/one.json')
    await interrupt(false)
    await settleWriting(directory)
    assert.equal(await text(directory, 'devices/one.json'), before)
    assert.deepEqual(await readdir(join(directory, 'devices')), ['one.json'])
    await interrupt(true)
    await writeFile(join(directory, '.git/thymesh.lock'), '999999999')
    await settleWriting(directory)
    assert.equal(await text(directory, 'devices/one.json'), 'drafted')
    assert.deepEqual(await readdir(join(directory, 'tags')), [])
    assert.equal(await text(directory, 'configs/web.json'), web)
    assert.deepEqual(
      (await readdir(join(directory, '.git'))).filter(name => name.startsWith('thymesh')),
      [],
    )
  })

  it('takes no name that a fleet can not have, and none twice', async t => {
    const edit = new ProjectEdit(await project(t))
    await assert.rejects(addEntry(edit, 'devices', 'No Name', {}), withCode('invalid-name', /device: expected a name/))
    await assert.rejects(addEntry(edit, 'devices', 'one', {}), withCode('entry-exists', /devices\/one\.json/))
  })
})
