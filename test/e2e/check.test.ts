/** `thymesh check` with the real Nix: every wrong thing of a project in one run, with its place, and nothing written. */

import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { isDeepStrictEqual } from 'node:util'
import { nixSkip, thisSystem } from '../nix/workshop.ts'
import { Fleet } from './helpers/fleet.ts'
import { hello } from './helpers/project.ts'

interface CheckJson {
  ok: boolean
  problems: { file: string; line: number | null; column: number | null; key: string | null; message: string }[]
}

describe('thymesh check', { skip: nixSkip() }, () => {
  let fleet: Fleet
  before(async () => {
    fleet = await Fleet.prepare()
    await fleet.found()
  })
  after(() => fleet.remove())

  /** Checks the project with these files changed, and brings it back. */
  async function check(files: Record<string, string | object | undefined>, ...flags: string[]): Promise<string[]> {
    await fleet.write(files)
    await fleet.git('add', '--intent-to-add', '-A')
    const before = await fleet.git('status', '--porcelain')
    const ended = await fleet.run('check', '--json', ...flags)
    assert.equal(await fleet.git('status', '--porcelain'), before, 'nothing may be written')
    await fleet.git('reset', '-q', '--hard')
    await fleet.git('clean', '-qfd')
    const json = JSON.parse(ended.stdout) as CheckJson
    assert.equal(ended.code, json.ok ? 0 : 1, ended.stdout)
    return json.problems.map(({ file, line, column, key, message }) =>
      [line === null ? file : `${file}:${line}:${column}`, ...(key === null ? [] : [key]), message].join(': '),
    )
  }

  it('accepts what init makes', async () => {
    assert.deepEqual(await check({}), [])
    const ended = await fleet.run('check')
    assert.match(ended.stdout, /^The project is right: 1 config, 1 device, \d+ modules?\.\n$/)
  })

  it('says which configs are built nowhere, and what a build says then', async () => {
    const pi = { system: 'riscv64-linux', modules: {} }
    await fleet.commit('A board', { 'configs/pi.json': pi, 'devices/first.json': { config: 'pi' } })
    const checked = await fleet.run('check')
    assert.equal(checked.code, 0, checked.stdout)
    assert.match(checked.stdout, /^configs\/pi\.json: nothing here builds riscv64-linux\. Let a device build it/m)
    const error = await fleet.error('build', 'pi')
    assert.equal(error.code, 'build-failed')
    assert.match(error.hint ?? '', /builders = ssh:\/\/USER@HOST riscv64-linux/)
    await fleet.git('revert', '--no-edit', 'HEAD')
  })

  it('names what editors of other systems leave in Nix files', async () => {
    const module = '{\n  displayName = "x";\n}\n'
    const marked = await check({
      'modules/bom.nix': `\ufeff${module}`,
      'modules/blank.nix': module.replace('displayName =', 'displayName\u00a0='),
      'modules/quotes.nix': module.replace('"x"', '\u201cx\u201d'),
      'modules/windows.nix': module.replaceAll('\n', '\r\n'),
    })
    assert.deepEqual(
      marked.map(problem => problem.replace(/: (?:syntax error|undefined variable)[^;]*;/, ': …;')),
      [
        'modules/blank.nix:2:14: …; the line has a no-break space (U+00A0) in column 14: type it anew',
        'modules/bom.nix:1:1: begins with a byte order mark: save it as UTF-8 without a byte order mark',
        'modules/quotes.nix:2:17: …; the line has a typographic quote (U+201C) in column 17: type it anew',
      ],
    )
  })

  it('says all of it at once: JSON, names, references, settings and Nix', async () => {
    const module = (settings: string) => `{\n  displayName = "x";\n  settings.a = ${settings};\n}\n`
    const problems = await check({
      'configs/hello.json': { system: thisSystem, modules: { hello: { mesage: 'x', message: 5 }, helo: {} } },
      'configs/conflict.json': '{\n<<<<<<< a\n=======\n>>>>>>> b\n}\n',
      'devices/first.json': { config: 'hullo' },
      'devices/second.json': '{ "config": "hello" ',
      'modules/nonsense.nix': module('nonsense'),
      'modules/syntax.nix': '{\n  displayName = "x"\n}\n',
      'modules/throws.nix': module('throw "it gives up"'),
    })
    const expected = [
      /^configs\/conflict\.json:2:1: has a merge conflict marker/,
      /^configs\/hello\.json:5:7: modules\.hello\.mesage: unknown setting; expected one of message; did you mean message\?/,
      /^configs\/hello\.json:6:18: modules\.hello\.message: expected a string, got 5/,
      /^devices\/first\.json:2:13: config: there is no configs\/hullo\.json; the project has conflict, hello; did you/,
      /^devices\/second\.json:1:21: expected }, got the end of the file/,
      /^modules\/nonsense\.nix:3:16: undefined variable 'nonsense'/,
      /^modules\/syntax\.nix:3:1: syntax error, unexpected '}'/,
      /^modules\/throws\.nix.*: it gives up/,
    ]
    assert.equal(problems.length, expected.length, problems.join('\n'))
    for (const [index, said] of expected.entries()) assert.match(problems[index] ?? '', said)
  })

  it('stops what evaluates for ever, and names its module', async () => {
    const busy =
      "{ displayName = toString (builtins.foldl' (a: b: a + b) 0 (builtins.genList (x: builtins.foldl' (a: b: a + b) 0 (builtins.genList (y: y) 100000)) 100000)); settings = { }; }"
    const deep = '{ displayName = let f = x: 1 + f x; in f 1; settings = { }; }'
    const found = async (seconds: string) => {
      const problems = await check({ 'modules/busy.nix': busy, 'modules/deep.nix': deep }, '--timeout', seconds)
      return problems.map(text => text.replace(/Nix was stopped .*|infinite recursion.*/, '…'))
    }
    const expected = (seconds: string) => [
      `modules/busy.nix: the module busy did not evaluate in time: it was stopped after ${seconds} s`,
      'modules/deep.nix: the module deep has endless recursion: …',
    ]
    // On a busy machine so short a time stops also what comes to an end by itself.
    if (isDeepStrictEqual(await found('3'), expected('3'))) return
    assert.deepEqual(await found('60'), expected('60'))
  })

  it('lets no module read the network', async () => {
    const fetch =
      'builtins.readFile (builtins.fetchurl { url = "http://127.0.0.1:9/x"; sha256 = builtins.hashString "sha256" ""; })'
    const [problem, ...more] = await check({ 'modules/net.nix': `{ displayName = ${fetch}; settings = { }; }` })
    assert.match(problem ?? '', /^modules\/net\.nix.*: the module net reads the network \(http:\/\/127\.0\.0\.1:9\/x\)/)
    assert.deepEqual(more, [])
  })

  it('names what Git does not know, which Nix can not see', async () => {
    await fleet.write({ 'configs/new.json': hello('new') })
    const ended = await fleet.run('check', '--json')
    const [problem] = (JSON.parse(ended.stdout) as CheckJson).problems
    assert.deepEqual([problem?.file, ended.code], ['configs/new.json', 1])
    assert.match(problem?.message ?? '', /git add configs\/new\.json/)
    await fleet.git('clean', '-qfd')
  })

  it('is not needed to see the modules beside one that is wrong', async () => {
    await fleet.commit('Wrong', { 'modules/throws.nix': '{ settings = throw "it gives up"; }' })
    const ended = await fleet.run('module', 'list', '--json')
    const { modules, problems } = JSON.parse(ended.stdout) as { modules: object; problems: { file: string }[] }
    assert.deepEqual([ended.code, problems.map(({ file }) => file)], [1, ['modules/throws.nix']])
    for (const name of ['hello', 'kiosk', 'updates']) assert.ok(Object.hasOwn(modules, name), name)
    const kiosk = await fleet.json<{ name: string }>('module', 'show', 'kiosk')
    assert.equal(kiosk.name, 'kiosk')
    await fleet.git('revert', '--no-edit', 'HEAD')
  })

  it('is what deploy asks first', async () => {
    await fleet.commit('Wrong', { 'devices/first.json': { config: 'hullo' } })
    const error = await fleet.error('deploy')
    assert.equal(error.code, 'invalid-project')
    assert.match(error.message, /^devices\/first\.json:2:13: config: there is no configs\/hullo\.json/)
    await fleet.git('revert', '--no-edit', 'HEAD')
  })
})
