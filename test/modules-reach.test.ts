/** docs/modules-reach.md tells of every option of the built-in modules, and says truly which ones scripts/nixos-check sets. */

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { describe, it } from 'node:test'
import { modulesWithNixpkgs } from './nix/all-modules.ts'

const root = resolve(import.meta.dirname, '..')
const reach = sections('docs/modules-reach.md')
// Made from the modules themselves: test/nix/builtin-modules.test.ts keeps it fresh.
const builtin = sections('docs/builtin-modules.md')
const modules = Object.keys(modulesWithNixpkgs)

/** Options that NixOS has nothing to do with. */
const othersOnly = ['custom-nix.portable']

describe('the reach of modules', () => {
  for (const module of modules) {
    it(`of ${module} is told option by option`, () => {
      const told = rows(reach[module] ?? '')
      const options = rows(builtin[module] ?? '').flatMap(({ names }) => names)
      assert.ok(options.length > 0)
      assert.deepEqual(told.flatMap(({ names }) => names).sort(), options.sort())
      assert.deepEqual(
        told.filter(({ cells }) => cells.includes('')),
        [],
      )
    })
  }

  it('sets every option for nixos-check that has no default', () => {
    const unset = modules.flatMap(module =>
      rows(builtin[module] ?? '').flatMap(({ names: [name = ''], cells }) =>
        evaluated(module, name, cells[2]) === 'no' && !othersOnly.includes(`${module}.${name}`)
          ? [`${module}.${name} is set nowhere in test/nix/all-modules.ts`]
          : [],
      ),
    )
    assert.deepEqual(unset, [])
  })

  it('says which options a real nixpkgs evaluates', () => {
    const wrong = modules.flatMap(module => {
      const defaults = new Map(rows(builtin[module] ?? '').map(({ names, cells }) => [names[0], cells[2]]))
      return rows(reach[module] ?? '').flatMap(({ names, cells }) => {
        const [, nixos = '', said] = cells
        // The table of a module that makes no part of a system has no such column.
        if (cells.length < 5) return []
        return names
          .map(name => ({ name, is: nixos.startsWith('nothing') ? '–' : evaluated(module, name, defaults.get(name)) }))
          .filter(({ is }) => is !== said)
          .map(({ name, is }) => `${module}.${name}: says ${said}, is ${is}`)
      })
    })
    assert.deepEqual(wrong, [])
  })
})

/** Set in a config of their own of nixos-check, beside that of their module. */
const inAnotherConfig = ['kiosk.display']

/** How nixos-check evaluates an option, by its settings and what docs/builtin-modules.md says of its default. */
function evaluated(module: string, name: string, preset = ''): 'yes' | 'default' | 'no' {
  const found = name
    .split('.')
    .reduce<unknown[]>((all, part) => all.flatMap(one => inside(one, part)), [modulesWithNixpkgs[module]])
  if (found.length > 0 || inAnotherConfig.includes(`${module}.${name}`)) return 'yes'
  return ['', 'optional', '`[]`', '`""`'].includes(preset) ? 'no' : 'default'
}

/** What is at `key` of an object; at `key[]`, each element of a list. */
function inside(value: unknown, key: string): unknown[] {
  const found = (value as Record<string, unknown>)[key.replace('[]', '')]
  if (found === undefined) return []
  return key.endsWith('[]') ? (found as unknown[]) : [found]
}

/** The text below each heading of the second rank. */
function sections(page: string): Record<string, string> {
  const [, ...parts] = readFileSync(join(root, page), 'utf8').split(/^## /m)
  return Object.fromEntries(parts.map(part => [part.slice(0, part.indexOf('\n')), part]))
}

/** The rows of a table whose first cell names options, with their cells. */
function rows(section: string): { names: string[]; cells: string[] }[] {
  return [...section.matchAll(/^\| (`.*) \|$/gm)].map(([, line = '']) => {
    const cells = line.split(/(?<!\\)\|/).map(cell => cell.trim())
    return { names: [...(cells[0] ?? '').matchAll(/`([^`]+)`/g)].flatMap(match => match[1] ?? []), cells }
  })
}
