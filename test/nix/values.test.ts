/** Where values come from, as the API shows it: the same values that Nix makes of the same layers. */

import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import type { ModuleDescription } from '../../controller/project/modules.ts'
import { type Layer, type Resolved, resolveSettings } from '../../controller/project/values.ts'
import { nixSkip, succeeded, Workshop } from './workshop.ts'

const library = join(import.meta.dirname, '../../nix/lib')

/** Settings in Nix, and layers that say something of them: [level, rank, values]. */
type Case = [settings: string, ...layers: ['device' | 'config' | 'tag', number, Record<string, unknown>][]]

const group =
  '{ g = { type = "group"; settings = { a = { type = "int"; default = 1; }; b = { type = "string"; required = false; }; }; }; }'
const list = '{ l = { type = "list"; of.type = "string"; default = [ "d" ]; }; }'
const keyed =
  '{ u = { type = "list"; key = "name"; of = { type = "group"; settings = { name.type = "string"; age = { type = "int"; default = 7; }; tags = { type = "list"; of.type = "string"; }; }; }; }; }'
const shown =
  '{ mode = { type = "choice"; choices = [ "off" "on" ]; default = "off"; }; port = { type = "int"; default = 80; visible.mode = "on"; }; note = { type = "string"; required = false; visible.port = [ 80 81 ]; }; }'

const cases: Case[] = [
  ['{ p = { type = "int"; default = 80; }; }'],
  ['{ p = { type = "int"; default = 80; }; }', ['config', -1, { p: 1 }], ['tag', 100, { p: 2 }]],
  ['{ p = { type = "int"; required = false; }; }', ['tag', 100, { p: 2 }], ['tag', 50, { p: 3 }], ['device', -2, {}]],
  [group],
  [group, ['config', -1, {}]],
  [group, ['device', -2, { g: { a: 5 } }], ['config', -1, { g: { a: 6, b: 'x' } }]],
  [list],
  [list, ['tag', 100, { l: ['a', 'b'] }], ['config', -1, { l: ['b', 'c'] }]],
  [list, ['tag', 100, { l: ['a'] }], ['tag', 50, { l: { replace: ['r'] } }], ['config', -1, { l: ['c'] }]],
  [list, ['tag', 100, { l: ['a'] }], ['config', -1, { l: { replace: [] } }]],
  [
    keyed,
    ['tag', 100, { u: [{ name: 'x', age: 1, tags: ['t'] }, { name: 'y' }] }],
    [
      'config',
      -1,
      {
        u: [
          { name: 'y', age: 2 },
          { name: 'x', tags: ['c'] },
        ],
      },
    ],
  ],
  [shown, ['config', -1, { port: 81, note: 'n' }]],
  [shown, ['config', -1, { mode: 'on', port: 81, note: 'n' }]],
  [shown, ['config', -1, { mode: 'on', port: 82, note: 'n' }], ['tag', 100, { mode: 'off' }]],
]

describe('values with their places', { skip: nixSkip() }, () => {
  const workshop = new Workshop()
  after(() => workshop.remove())

  it('are those of the build', async () => {
    const texts = cases.map(([settings, ...layers]) => {
      const data = layers.map(([level, rank, values]) => ({
        file: `${level}.json`,
        what: 'modules.m',
        level,
        rank,
        values,
      }))
      const text = JSON.stringify(JSON.stringify(data)).replaceAll('$', '\\$')
      return `(let declared = (import ${library}/module.nix { name = "m"; file = "modules/m.nix"; source = "project"; } { settings = ${settings}; }).declared; in { inherit declared; values = import ${library}/layers.nix { file = "modules/m.nix"; inherit declared; } (builtins.fromJSON ${text}); })`
    })
    const expression = `[ ${texts.join('\n')} ]`
    const said = await workshop.run('nix', ['eval', '--impure', '--json', '--expr', expression])
    const built = JSON.parse(succeeded(said)) as { declared: ModuleDescription['settings']; values: unknown }[]
    for (const [index, { declared, values }] of built.entries()) {
      const [settings = '', ...layers] = cases[index] ?? []
      const resolved = resolveSettings('m', declared, layers.map(layerOf))
      assert.deepEqual(valuesOf(resolved), values, `${settings} ${JSON.stringify(layers)}`)
    }
  })
})

describe('a value', () => {
  const settings = { p: { type: 'int', default: 80 }, l: { type: 'list', of: { type: 'string' } } }
  const levels = (layers: readonly Layer[] = []) => layers.map(({ level, rank }) => `${level} ${rank}`)

  it('says where it comes from, and what it overrides', () => {
    const layers = (
      [
        ['tag', 100, { p: 3, l: ['t'] }],
        ['device', -2, { p: 1 }],
        ['config', -1, { p: 2, l: ['c'] }],
      ] as const
    ).map(layerOf)
    const { p, l } = resolveSettings('m', settings, layers)
    assert.deepEqual([p?.value, p?.from?.level, levels(p?.overrides)], [1, 'device', ['config -1', 'tag 100']])
    assert.deepEqual(
      [l?.value, l?.from?.level, levels(l?.adds), levels(l?.overrides)],
      [['c', 't'], 'config', ['tag 100'], []],
    )
    assert.deepEqual(resolveSettings('m', settings, []).p?.from?.level, 'module')
  })

  it('that two tags of one priority say differently is a conflict', () => {
    const layers = (
      [
        ['tag', 100, { p: 3 }],
        ['tag', 100, { p: 4 }],
      ] as const
    ).map(layerOf)
    assert.equal(resolveSettings('m', settings, layers).p?.conflict, true)
    assert.equal(resolveSettings('m', settings, layers.slice(1)).p?.conflict, false)
  })
})

function layerOf([level, rank, value]: readonly [Layer['level'], number, Record<string, unknown>]): Layer {
  return { level, rank, name: level, json: undefined, path: ['modules', 'm'], value }
}

function valuesOf(settings: Readonly<Record<string, Resolved>>): unknown {
  return Object.fromEntries(Object.entries(settings).map(([key, { value }]) => [key, value]))
}
