/** Tests of what is found without Nix: every wrong thing in a project's files, with its line, all at once. */

import assert from 'node:assert/strict'
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { artifactProblem, listArtifacts } from './artifacts.ts'
import { checkFiles } from './check.ts'
import { git } from './git.ts'
import { LocatedJson } from './located-json.ts'
import { problemText } from './problem.ts'
import { checkSettings } from './settings.ts'

type Files = Record<string, string | object>

async function folder(t: TestContext, files: Files): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'thymesh-check-'))
  t.after(() => rm(directory, { recursive: true }))
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(join(directory, name)), { recursive: true })
    await writeFile(join(directory, name), typeof content === 'string' ? content : JSON.stringify(content, null, 2))
  }
  return directory
}

/** The problems' texts. */
async function found(t: TestContext, files: Files): Promise<string[]> {
  const directory = await folder(t, files)
  await git(directory, ['init', '--quiet'])
  return (await checkFiles(directory)).problems.map(problemText)
}

describe("a project's files", () => {
  it('may be none, or right', async t => {
    assert.deepEqual(await found(t, {}), [])
    const right = {
      'configs/web.json': { tags: ['site'], modules: { web: { port: 1 } } },
      'tags/site.json': { $schema: '../x', modules: {} },
      'devices/one.json': { config: 'web', site: 'north' },
      'secrets/db.json': { type: 'single-line' },
      'secrets/db.age': 'x',
      'secrets/README.md': '',
    }
    assert.deepEqual(await found(t, right), [])
  })

  it('are all looked at, whatever is wrong with one', async t => {
    const texts = await found(t, {
      'configs/web.json': { systm: 'x', tags: ['nowhere', 'site', 'site'], modules: { web: 5 } },
      'configs/Web.json': {},
      'devices/one.json': { config: 'wbe' },
      'devices/two.json': '{\n  "config": "web",\n}\n',
      'devices/three.json': { sit: 'north' },
      'tags/site.json': [],
    })
    assert.deepEqual(texts.sort(), [
      'configs/Web.json: expected a name of lowercase letters, digits and inner hyphens, at most 63 characters, got Web',
      'configs/web.json:2:3: systm: unknown key; expected one of displayName, description, system, target, type, tags, perDevice, modules; did you mean system?',
      'configs/web.json:9:12: modules.web: expected an object, got 5',
      'devices/one.json:2:13: config: there is no configs/wbe.json; the project has web; did you mean web?',
      'devices/three.json:1:1: config: missing; expected a text',
      'devices/three.json:2:3: sit: unknown key; expected one of displayName, description, config, site, type, tags, modules; did you mean site?',
      'devices/two.json:3:1: expected a key in double quotes (JSON has no comma after the last one)',
      'tags/site.json:1:1: expected an object, got a list',
    ])
  })

  it('name tags that are there, once', async t => {
    const files = { 'configs/web.json': { tags: ['nowhere', 'site', 'site'] }, 'tags/site.json': {} }
    assert.deepEqual(await found(t, files), [
      'configs/web.json:3:5: tags.0: there is no tags/nowhere.json; the project has site',
      'configs/web.json:5:5: tags.2: the tag site is there twice',
    ])
  })

  it('have no key twice, no comments, and no merge conflict', async t => {
    const conflict = '{\n<<<<<<< ours\n  "config": "a"\n=======\n  "config": "b"\n>>>>>>> theirs\n}\n'
    const texts = await found(t, {
      'configs/a.json': '{}',
      'devices/conflict.json': conflict,
      'devices/comment.json': '{\n  // a comment\n  "config": "a"\n}',
      'devices/twice.json': '{ "config": "a",\n  "config": "a" }',
      'modules/m.nix': `{\n<<<<<<< ours\n>>>>>>> theirs\n}`,
    })
    assert.deepEqual(texts.sort(), [
      'devices/comment.json:2:3: expected no comment: JSON has none',
      'devices/conflict.json:2:1: has a merge conflict marker: resolve the conflict',
      'devices/twice.json:2:3: the key "config" is here for the second time',
      'modules/m.nix:2:1: has a merge conflict marker: resolve the conflict',
    ])
  })

  it('have modules whose names differ by more than case', async t => {
    const texts = await found(t, { 'modules/Web.nix': '{}', 'modules/web.nix': '{}', 'modules/a b.nix': '{}' })
    assert.deepEqual(texts, [
      'modules/a b.nix: expected a name of letters, digits, _ and -',
      'modules/web.nix: its name differs from modules/Web.nix only in upper and lower case',
    ])
  })
})

describe('settings', () => {
  const declared = {
    port: { type: 'int', min: 1, max: 65535 },
    on: { type: 'bool' },
    name: { type: 'string', pattern: '[a-z]+', patternHint: { en: 'a word' }, maxLength: 5 },
    notes: { type: 'text' },
    where: { type: 'path' },
    mode: { type: 'choice', choices: ['a', { value: 'b' }] },
    packages: { type: 'list', of: { type: 'package' } },
    volumes: { type: 'list', of: { type: 'group', settings: { host: { type: 'path' } } } },
    key: { type: 'secret' },
    file: { type: 'artifact' },
    when: { type: 'schedule' },
    later: { type: 'colour' },
  }
  const problems = (values: unknown) =>
    checkSettings({ json: new LocatedJson('f', JSON.stringify(values)), path: [] }, values, declared).problems.map(
      problemText,
    )

  it('are right when they are what the module says', () => {
    const right = {
      ...{ port: 80, on: false, name: 'abc', notes: 'a\nb', where: '/x', mode: 'b', later: 5 },
      ...{ packages: ['htop', 'in/x'], volumes: [{ host: '/a' }], key: 'db', file: 'a/b' },
      when: { kind: 'calendar', calendar: ['daily'] },
    }
    assert.deepEqual(problems(right), [])
    assert.deepEqual(problems({ packages: { replace: ['htop'] }, key: { secret: 'db', mode: '0400' } }), [])
  })

  it('are all named with what was expected', () => {
    const cases: [object, RegExp][] = [
      [{ prot: 1 }, /f:1:2: prot: unknown setting; expected one of port, on, .*; did you mean port\?/],
      [{ port: '80' }, /f:1:9: port: expected a whole number, got "80"/],
      [{ port: 0 }, /port: expected at least 1, got 0/],
      [{ port: 70000 }, /port: expected at most 65535, got 70000/],
      [{ on: 'yes' }, /on: expected true or false, got "yes"/],
      [{ name: 'a\nb' }, /name: expected one line/],
      [{ name: 'ABC' }, /name: expected a word, got "ABC"/],
      [{ name: 'abcdefg' }, /name: expected at most 5 characters, got 7/],
      [{ where: 'x' }, /where: expected an absolute path, got "x"/],
      [{ mode: 'c' }, /mode: expected one of "a", "b", got "c"/],
      [{ packages: 'htop' }, /packages: expected a list, got "htop"/],
      [{ packages: ['htop', 'no good'] }, /f:1:21: packages\.1: expected the name of a package/],
      [{ volumes: [{ host: 'x' }] }, /volumes\.0\.host: expected an absolute path/],
      [{ key: 'NO' }, /key: expected the name of a secret/],
      [{ key: { secret: 'db', colour: 1 } }, /key: unknown colour/],
      [{ when: { kind: 'sometimes' } }, /when: kind: expected one of calendar, interval, always/],
      [{ file: '' }, /file: expected the path of a file or folder below artifacts/],
    ]
    for (const [values, said] of cases) {
      const [first, ...more] = problems(values)
      assert.match(first ?? '', said)
      assert.deepEqual(more, [])
    }
    assert.equal(problems({ port: 'x', on: 1, prot: 1 }).length, 3)
  })
})

describe('artifacts', () => {
  it('stay in their folder, links followed', async t => {
    const directory = await folder(t, { 'artifacts/logo.svg': 'x', 'artifacts/site/a.txt': 'abc', 'secret.txt': 's' })
    const link = (target: string, name: string) => symlink(target, join(directory, 'artifacts', name))
    await link('logo.svg', 'inside')
    await link('../secret.txt', 'out')
    await link('/etc', 'etc')
    await link('nowhere', 'broken')
    await mkdir(join(directory, 'artifacts/deep'))
    await link('../../secret.txt', 'deep/out')
    const problem = (path: string) => artifactProblem(directory, path)
    for (const path of ['logo.svg', 'site', 'site/a.txt', 'inside']) assert.equal(await problem(path), undefined)
    assert.match((await problem('../secret.txt')) ?? '', /expected a path below artifacts\/ without \. or \.\./)
    assert.match((await problem('/etc/passwd')) ?? '', /expected a path below artifacts/)
    assert.match((await problem('missing')) ?? '', /there is no artifacts\/missing/)
    assert.match(
      (await problem('out')) ?? '',
      /artifacts\/out is a link that leads out of artifacts\/, to \.\.\/secret/,
    )
    assert.match((await problem('etc/passwd')) ?? '', /lies in a folder that leads out of artifacts/)
    assert.match((await problem('broken')) ?? '', /is a link to nowhere, which isn't there/)
    assert.match((await problem('deep')) ?? '', /artifacts\/deep\/out is a link that leads out/)
    const listed = await listArtifacts(directory)
    assert.deepEqual(
      listed.filter(({ path }) => ['logo.svg', 'site'].includes(path)),
      [
        { path: 'logo.svg', kind: 'file', size: 1 },
        { path: 'site', kind: 'folder', size: 3 },
      ],
    )
  })
})
