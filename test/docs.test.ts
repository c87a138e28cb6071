/** The pages that a machine can check: links that lead somewhere, settings, error codes and dependencies that are told. */

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { describe, it } from 'node:test'
import { allCommands, type CommandNode, commandTree } from '../controller/cli/shell/command-tree.ts'
import { type CommandGroup, Shell } from '../controller/cli/shell/shell.ts'
import { parseSettings, SettingsError } from '../node/settings/settings.ts'

const root = resolve(import.meta.dirname, '..')
const text = (file: string) => readFileSync(join(root, file), 'utf8')
const files = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], {
  cwd: root,
  encoding: 'utf8',
})
  .split('\n')
  .filter(file => file !== '' && existsSync(join(root, file)))
const pages = files.filter(file => file.endsWith('.md'))
const sources = files.filter(file => /^(?:protocol|node|controller)\/.*\.ts$/.test(file) && !file.endsWith('.test.ts'))

describe('docs', () => {
  it('relative links lead to files and headings that are there', () => {
    const wrong = pages.flatMap(page =>
      linksOf(text(page)).flatMap(link => {
        const [path = '', heading] = link.split('#')
        const target = path === '' ? page : join(dirname(page), path)
        if (!existsSync(join(root, target))) return [`${page}: ${link} leads nowhere`]
        if (heading === undefined || headingsOf(text(target)).includes(heading)) return []
        return [`${page}: ${link} names no heading of ${target}`]
      }),
    )
    assert.deepEqual(wrong, [])
  })

  it('files of this repository that prose names are there', () => {
    const wrong = pages.flatMap(page =>
      namesOf(text(page))
        .filter(name => !/[A-Z*<…]/.test(name.replace(/README\.md$/, '')))
        .filter(name =>
          name.includes('/') ? !existsSync(join(root, name)) : !files.some(file => file.endsWith(`/${name}`)),
        )
        .map(name => `${page}: ${name} is not there`),
    )
    assert.deepEqual(wrong, [])
  })

  it('every key of the settings is in docs/settings.md', () => {
    const page = text('docs/settings.md')
    const wrong = settingsKeys().filter(key => !page.includes(`| \`${key}\` |`) && !page.includes(`| \`${key}.`))
    assert.deepEqual(wrong, [])
  })

  it('docs/web.md says of every command where the page does it, or why it does not', async () => {
    const page = text('docs/web.md')
    const tables = page.slice(page.indexOf('### Every command'), page.indexOf('In a chart'))
    const cells = [...tables.matchAll(/^\| (`.+?) \|/gm)].map(([, cell]) => cell ?? '')
    const named = new Set(
      cells.flatMap(cell => [...cell.matchAll(/`([a-z][a-z -]*?)(?: --.*?)?`/g)].flatMap(([, name]) => name ?? [])),
    )
    const all = await commandsOfAll()
    const wrong = all.filter(({ path, commands }) => commands.length === 0 && !named.has(path.join(' ')))
    assert.ok(all.length > 100)
    assert.deepEqual(wrong, [])
    // And of nothing that is no command. Help hides the one that packages use.
    const known = new Set(['man-pages', ...all.map(({ path }) => path.join(' '))])
    assert.deepEqual(
      [...named].filter(name => !known.has(name)),
      [],
    )
  })

  it('every long test is in the table of docs/testing.md, with its last run', () => {
    const long = files.filter(file => file.endsWith('.long.test.ts'))
    const runs = new Set(
      [...text('docs/testing.md').matchAll(/^\| `(\S+\.long\.test\.ts)` \| .+ \| \d{4}-\d{2}-\d{2}: .+ \|$/gm)].map(
        ([, file]) => file,
      ),
    )
    assert.deepEqual(
      long.filter(file => !runs.has(file)),
      [],
    )
  })

  it('every command is in the table of docs/cli.md', () => {
    const help = execFileSync(process.execPath, ['controller/main.ts', '--help'], { cwd: root, encoding: 'utf8' })
    const commands = [...help.matchAll(/^ {2}([a-z-]+)(?: |$)/gm)].flatMap(match => match[1] ?? [])
    assert.ok(commands.length > 20, help)
    const table = text('docs/cli.md').split('\n## ')[0]
    const wrong = commands.filter(name => name !== 'help' && !table?.match(new RegExp(`\\[.*\`${name}[ \`]`)))
    assert.deepEqual(wrong, [])
  })

  it('every dependency has its line in docs/decisions.md', () => {
    const page = text('docs/decisions.md')
    const { dependencies, devDependencies, optionalDependencies } = JSON.parse(text('package.json'))
    const wrong = Object.keys({ ...dependencies, ...devDependencies, ...optionalDependencies }).filter(
      name => !page.includes(`\`${name}\``),
    )
    assert.deepEqual(wrong, [])
  })

  it('every code of an error is in docs/troubleshooting.md', () => {
    const page = text('docs/troubleshooting.md')
    const wrong = sources.flatMap(file =>
      codesOf(text(file))
        .filter(code => !page.includes(`\`${code}\``))
        .map(code => `${file}: ${code}`),
    )
    assert.deepEqual(wrong, [])
  })
})

/** All commands that help shows, of every group. */
async function commandsOfAll(): Promise<CommandNode[]> {
  const shell = new Shell({ json: false, ended: () => {} })
  for (const file of await readdir(join(root, 'controller/cli/groups'))) {
    const exported: Record<string, CommandGroup> = await import(join(root, 'controller/cli/groups', file))
    for (const group of Object.values(exported)) group(shell)
  }
  return allCommands(commandTree(shell.program))
}

/** The links that a reader can follow: none in code. */
function linksOf(page: string): string[] {
  const prose = page.replace(/^```[\s\S]*?^```/gm, '').replace(/`[^`\n]*`/g, '')
  return [...prose.matchAll(/\]\(([^)\s]+)\)/g)].flatMap(match => match[1] ?? []).filter(link => !/^[a-z]+:/.test(link))
}

/** Names in code of prose that can only be of this repository: paths below its folders, and TypeScript files. */
function namesOf(page: string): string[] {
  const prose = page.replace(/^```[\s\S]*?^```/gm, '')
  const own = /`((?:controller|node|protocol|nix|scripts|test)\/[^`\s]*|[a-z-]+(?:\.test)?\.ts)`/g
  return [...prose.matchAll(own)].flatMap(match => match[1] ?? [])
}

/** Headings as the anchors that they become. */
function headingsOf(page: string): string[] {
  const headings = [...page.matchAll(/^#+ (.+)$/gm)].flatMap(match => match[1] ?? [])
  return headings.map(heading =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replace(/ /g, '-'),
  )
}

/** The keys that the settings' own error names. */
function settingsKeys(): string[] {
  try {
    parseSettings({ 'no such key': true }, 'test')
  } catch (thrown) {
    if (thrown instanceof SettingsError) return thrown.hint?.match(/[a-z]+(?=[,.])/gi) ?? []
    throw thrown
  }
  return assert.fail('expected a key that is not known to be refused')
}

/** The codes in the unions of a file's error classes. */
function codesOf(source: string): string[] {
  const unions = [
    ...source.matchAll(/extends (?:Thymesh|Hinted)Error<([^>]*)>/g),
    ...source.matchAll(/type \w*ErrorCode =([^;]*?)\n\n/g),
  ]
  return unions.flatMap(match => [...(match[1] ?? '').matchAll(/'([a-z0-9-]+)'/g)].flatMap(code => code[1] ?? []))
}
