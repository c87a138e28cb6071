/** Modules' settings: every type with its constraints, and what a device, its config and tags make of them together. */

import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { nixSkip, succeeded, Workshop } from './workshop.ts'

const library = join(import.meta.dirname, '../../nix/lib')

describe('settings', { skip: nixSkip() }, () => {
  const workshop = new Workshop()
  after(() => workshop.remove())

  /** The values of one module's settings (Nix text) under layers: [level, rank, values], JSON values. */
  async function resolve(settings: string, ...layers: [string, number, object][]) {
    const declared = `(import ${library}/module.nix { name = "web"; file = "modules/web.nix"; source = "project"; } { settings = ${settings}; }).declared`
    const data = layers.map(([level, rank, values]) => {
      const file = `${level}s/${level}${rank}.json`
      return { file, what: 'modules.web', level: level.replace('second', ''), rank, values }
    })
    const expression = `import ${library}/layers.nix { file = "modules/web.nix"; declared = ${declared}; } (builtins.fromJSON ${nixString(JSON.stringify(data))})`
    return await workshop.run('nix', ['eval', '--impure', '--json', '--expr', expression])
  }
  async function value(settings: string, ...layers: [string, number, object][]): Promise<unknown> {
    return JSON.parse(succeeded(await resolve(settings, ...layers)))
  }
  async function refused(pattern: RegExp, settings: string, ...layers: [string, number, object][]): Promise<void> {
    const { code, stdout, stderr } = await resolve(settings, ...layers)
    assert.notEqual(code, 0, `expected ${pattern}, got ${stdout}`)
    assert.match(stderr, pattern)
  }

  /** A type: its declaration, values that it takes, and values that it refuses with what is said. */
  const types: [string, unknown[], [unknown, RegExp][]][] = [
    ['type = "bool";', [true, false], [[1, /expected true or false, got 1/]]],
    [
      'type = "string"; pattern = "[a-z]+"; maxLength = 4; minLength = 2; patternHint = "small letters";',
      ['ab'],
      [
        ['ABC', /expected small letters, got "ABC"/],
        ['abcde', /expected at most 4 characters, got 5/],
        ['a', /expected at least 2 characters, got 1/],
        ['a\nb', /expected one line/],
        [null, /expected a string, got null/],
      ],
    ],
    ['type = "text";', ['two\nlines'], [[{}, /expected a string, got an object/]]],
    ['type = "code"; language = "python";', ['import os\n'], [[7, /expected a string, got 7/]]],
    [
      'type = "int"; min = 1; max = 9;',
      [1, 9],
      [
        [0, /expected at least 1, got 0/],
        [10, /expected at most 9, got 10/],
        [1.5, /expected a whole number, got 1\.5/],
        ['1', /expected a whole number, got "1"/],
      ],
    ],
    ['type = "path";', ['/var/lib/x'], [['var', /expected an absolute path, got "var"/]]],
    [
      'type = "package";',
      ['htop', 'python3Packages.requests', 'extra/tool'],
      [['a b', /expected the name of a package/]],
    ],
    [
      'type = "choice"; choices = [ "a" { value = 2; displayName = { en = "Two"; de = "Zwei"; }; } ];',
      ['a', 2],
      [['b', /expected one of "a", 2, got "b"/]],
    ],
    [
      'type = "list"; of = { type = "int"; max = 5; }; maxLength = 2;',
      [[1, 2], []],
      [
        [[6], /modules\.web\.s\[0\]: expected at most 5/],
        [[1, 2, 3], /expected at most 2 elements, got 3/],
        [1, /expected a list, got 1/],
      ],
    ],
    [
      'type = "group"; settings = { host.type = "string"; port = { type = "int"; default = 80; }; };',
      [{ host: 'a', port: 1 }],
      [
        [{ port: 1 }, /modules\.web\.s\.host: must be set/],
        [{ host: 'a', prot: 1 }, /modules\.web\.s: unknown prot; expected one of host, port/],
      ],
    ],
    [
      'type = "secret";',
      ['wifi', { secret: 'wifi', mode: '0440', group: 'web' }],
      [
        ['No Name', /expected the name of a secret/],
        [{ secret: 'wifi', mode: '999' }, /mode: expected a mode such as "0400", got "999"/],
        [{ secret: 'wifi', processing: 'md5' }, /processing: expected one of none, yescrypt, got "md5"/],
      ],
    ],
    [
      'type = "artifact";',
      ['logo.png', 'a/b c.txt'],
      [
        ['../x', /expected the path of a file or folder below artifacts/],
        ['/etc/passwd', /expected the path of a file or folder below artifacts/],
        ['a/./b', /expected the path of a file or folder below artifacts/],
      ],
    ],
    [
      'type = "schedule"; kinds = [ "calendar" "interval" ];',
      [
        { kind: 'calendar', calendar: ['daily', 'Mon..Fri 08:00'], persistent: true, randomDelay: '10min' },
        { kind: 'interval', every: '15min', afterBoot: '5min', accuracy: '1s' },
      ],
      [
        [{ kind: 'always' }, /kind: expected one of calendar, interval, got "always"/],
        [{ kind: 'calendar' }, /calendar: must be set/],
        [{ kind: 'interval' }, /every: must be set/],
        [{ kind: 'interval', every: 'soon' }, /every: expected a time span such as "15min", got "soon"/],
        [{ kind: 'calendar', calendar: ['daily'], at: 1 }, /unknown at; expected one of/],
      ],
    ],
  ]
  for (const [declaration, taken, wrong] of types) {
    it(`checks ${/type = "(\w+)"/.exec(declaration)?.[1]}`, async () => {
      const settings = `{ s = { ${declaration} }; }`
      for (const one of taken) assert.deepEqual(await value(settings, ['config', -1, { s: one }]), { s: one })
      for (const [one, said] of wrong) {
        const where = new RegExp(`configs/config-1\\.json: modules\\.web\\.s.*${said.source}`)
        await refused(said.source.startsWith('modules') ? said : where, settings, ['config', -1, { s: one }])
      }
    })
  }

  it('asks for what has no default, and for nothing that is not required', async () => {
    const settings =
      '{ a = { type = "int"; default = 1; }; b = { type = "string"; required = false; }; c.type = "list"; c.of.type = "int"; }'
    assert.deepEqual(await value(settings, ['config', -1, {}]), { a: 1, b: null, c: [] })
    await refused(
      /configs\/config-1\.json: modules\.web\.a: must be set, since modules\/web\.nix gives it no default/,
      '{ a.type = "int"; }',
      ['config', -1, {}],
    )
  })

  it('shows a setting only where its conditions hold, and asks for it only there', async () => {
    const settings = `{
      mode = { type = "choice"; choices = [ "dhcp" "static" ]; default = "dhcp"; };
      address = { type = "string"; visible.mode = "static"; };
      port = { type = "choice"; choices = [ 1 { value = 2; visible.mode = [ "static" ]; } ]; default = 1; };
    }`
    assert.deepEqual(await value(settings, ['config', -1, {}]), { mode: 'dhcp', address: null, port: 1 })
    assert.deepEqual(await value(settings, ['config', -1, { address: 'x' }]), { mode: 'dhcp', address: null, port: 1 })
    await refused(/modules\.web\.address: must be set/, settings, ['config', -1, { mode: 'static' }])
    await refused(/modules\.web\.port: 2 can't be chosen here; it needs mode = "static"/, settings, [
      'config',
      -1,
      { port: 2 },
    ])
  })

  it('takes the device over the config over tags in their order over the default', async () => {
    const settings = '{ a = { type = "int"; default = 0; }; }'
    const layers: [string, number, object][] = [
      ['tag', 200, { a: 200 }],
      ['tag', 100, { a: 100 }],
      ['config', -1, { a: 1 }],
      ['device', -2, { a: 2 }],
    ]
    for (const expected of [2, 1, 100, 200]) {
      assert.deepEqual(await value(settings, ...layers), { a: expected })
      layers.pop()
    }
    assert.deepEqual(await value(settings), { a: 0 })
  })

  it('merges groups by setting and lists by element', async () => {
    const settings = `{
      proxy = { type = "group"; settings = { host = { type = "string"; default = "none"; }; port = { type = "int"; default = 1; }; }; };
      names = { type = "list"; of.type = "string"; default = [ "d" ]; };
      hosts = { type = "list"; key = "name"; of = { type = "group"; settings = { name.type = "string"; up = { type = "int"; default = 0; }; to.type = "string"; }; }; };
    }`
    const tag = {
      proxy: { host: 'tag', port: 8 },
      names: ['b', 'a'],
      hosts: [
        { name: 'x', to: 'tag', up: 1 },
        { name: 'y', to: 't' },
      ],
    }
    const config = { proxy: { port: 9 }, names: ['a'], hosts: [{ name: 'x', to: 'config' }] }
    assert.deepEqual(await value(settings, ['tag', 100, tag], ['config', -1, config]), {
      proxy: { host: 'tag', port: 9 },
      names: ['a', 'b'],
      hosts: [
        { name: 'x', to: 'config', up: 1 },
        { name: 'y', to: 't', up: 0 },
      ],
    })
    assert.deepEqual(((await value(settings, ['config', -1, {}])) as { names: unknown }).names, ['d'])
    const replaced = await value(settings, ['tag', 100, tag], ['config', -1, { names: { replace: ['z'] } }])
    assert.deepEqual((replaced as { names: unknown }).names, ['z'])
    await refused(/hosts\[1\]\.name|hosts\[0\]\.name: "x" is there twice/, settings, [
      'config',
      -1,
      {
        hosts: [
          { name: 'x', to: 'a' },
          { name: 'x', to: 'b' },
        ],
      },
    ])
  })

  it('names both places of a conflict of equal priority', async () => {
    const settings = '{ a = { type = "int"; default = 0; }; }'
    const both: RegExp =
      /tags\/tag100\.json \(modules\.web\.a\) and secondtags\/secondtag100\.json \(modules\.web\.a\) say different things \(1 and 2\)/
    await refused(both, settings, ['tag', 100, { a: 1 }], ['secondtag', 100, { a: 2 }])
    assert.deepEqual(await value(settings, ['tag', 100, { a: 1 }], ['secondtag', 100, { a: 1 }]), { a: 1 })
    assert.deepEqual(
      await value(settings, ['tag', 100, { a: 1 }], ['secondtag', 100, { a: 2 }], ['config', -1, { a: 3 }]),
      { a: 3 },
    )
  })

  it('keeps settings to the files that they are for', async () => {
    const settings = '{ a = { type = "int"; default = 0; on = [ "config" ]; }; }'
    await refused(/tags\/tag1\.json: modules\.web\.a: can be set in config files only/, settings, ['tag', 1, { a: 1 }])
  })

  /** Wrong declarations, and the errors about them. */
  const mistakes: [string, RegExp][] = [
    ['{ a = { }; }', /modules\/web\.nix: settings\.a: has no `type`/],
    ['{ a = 1; }', /settings\.a: expected an object such as/],
    ['{ a = { type = "int"; colour = 1; }; }', /settings\.a: unknown colour; expected one of type, .*max/],
    ['{ a = { type = "int"; min = "1"; }; }', /settings\.a\.min: expected a whole number, got "1"/],
    [
      '{ a = { type = "string"; pattern = "[[:space:]]"; }; }',
      /settings\.a\.pattern: expected a regular expression without/,
    ],
    ['{ a = { type = "choice"; }; }', /settings\.a\.choices: must be set/],
    ['{ a = { type = "list"; of = { type = "colour"; }; }; }', /settings\.a\.of: unknown type "colour"/],
    ['{ a = { type = "int"; visible.b = 1; }; }', /settings\.a\.visible: there is no setting b beside it/],
    [
      '{ a = { type = "int"; visible.b = 1; }; b = { type = "int"; visible.a = 1; }; }',
      /settings\.[ab]\.visible: depends on itself/,
    ],
    ['{ a = { type = "int"; displayName = { de = "Zahl"; }; }; }', /settings\.a\.displayName: has no English text/],
    [
      '{ a = { type = "int"; max = 3; default = 4; }; }',
      /modules\/web\.nix: settings\.a\.default: expected at most 3, got 4/,
    ],
    ['{ a = { type = "int"; example = "x"; }; }', /settings\.a\.example: expected a whole number, got "x"/],
  ]
  it('says what is wrong in a declaration', async () => {
    for (const [settings, said] of mistakes) {
      const module = `(import ${library}/module.nix { name = "web"; file = "modules/web.nix"; source = "project"; } { settings = ${settings}; }).description`
      const { code, stdout, stderr } = await workshop.run('nix', ['eval', '--impure', '--json', '--expr', module])
      assert.notEqual(code, 0, `expected ${said}, got ${stdout}`)
      assert.match(stderr, said)
    }
  })
})

function nixString(text: string): string {
  return `"${text.replace(/[\\"$]/g, character => `\\${character}`).replaceAll('\n', '\\n')}"`
}
