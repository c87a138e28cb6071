/** Evaluates all of Thymesh's NixOS with a real nixpkgs, and prints what came of each as a table. */

import { execFile, execFileSync } from 'node:child_process'
import { cpSync, existsSync, realpathSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { newerNix } from '../../../test/interop/newer-nix.ts'
import { type Ended, Workshop } from '../../../test/nix/workshop.ts'
import { argumentsOf, wrongUse } from '../arguments.ts'
import { type Case, cases, projectFiles } from './cases.ts'

const repository = resolve(import.meta.dirname, '../../..')
/** nixpkgs since 25.11 refuses an older one. */
const OLDEST_NIX = [2, 18] as const
/** A system takes seconds, on a machine with other work minutes. */
const ROW_LIMIT_MS = 20 * 60_000

interface Row extends Case {
  ok: boolean
  /** Distinct warnings of the evaluation. */
  warnings: string[]
  /** The last error that Nix tells of. */
  error?: string
}

async function main(): Promise<number> {
  const options = { json: { type: 'boolean' } } as const
  const { values, positionals } = argumentsOf('nixos-check', { allowPositionals: true, options })
  const [given = '', ...patterns] = positionals
  if (!existsSync(join(given, 'nixos/modules/module-list.nix'))) {
    wrongUse('nixos-check', `expected the path of a nixpkgs, with nixos/modules/module-list.nix in it, got ${given}`)
  }
  const workshop = new Workshop({ ...(await newEnough()), limitMs: ROW_LIMIT_MS })
  try {
    const nixpkgs = realpathSync(given)
    const all = cases({
      nixpkgs,
      project: workshop.project(projectFiles),
      repository: ownSources(workshop.project({})),
    })
    const wanted = all.filter(
      ({ kind, name }) => patterns.length === 0 || patterns.some(pattern => `${kind} ${name}`.includes(pattern)),
    )
    let failed = 0
    if (!values.json) print(`| kind | name | evaluates | warnings |\n| --- | --- | --- | --- |\n`)
    for (const one of wanted) {
      const row = await evaluate(workshop, one)
      if (!row.ok) failed++
      const { expression: _, writes: __, ...shown } = row
      print(values.json ? `${JSON.stringify(shown)}\n` : line(row))
    }
    if (!values.json) print(`\n${wanted.length - failed} of ${wanted.length} evaluate.\n`)
    return failed === 0 ? 0 : 1
  } finally {
    workshop.remove()
  }
}

/** Copied to a folder: what Git knows, or would take. The rest, such as roots of the lab, is no source, and Nix would read it all. */
function ownSources(folder: string): string {
  const listed = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', '-z'], {
    cwd: repository,
    encoding: 'utf8',
  })
  for (const file of listed.split('\0').filter(name => name !== '' && existsSync(join(repository, name)))) {
    cpSync(join(repository, file), join(folder, file), { verbatimSymlinks: true })
  }
  return folder
}

async function evaluate(workshop: Workshop, one: Case): Promise<Row> {
  const writing = one.writes ? [] : ['--read-only']
  const ended = await workshop.run('nix', ['eval', '--impure', ...writing, '--raw', '--expr', one.expression])
  const ok = ended.code === 0 && /^\/nix\/store\/.*\.drv$/.test(ended.stdout)
  return { ...one, ok, warnings: warningsOf(ended), ...(ok ? {} : { error: errorOf(ended) }) }
}

function warningsOf({ stderr }: Ended): string[] {
  const said = [...stderr.matchAll(/^(?:evaluation )?warning: (.*)$/gm)].map(([, text = '']) => text.trim())
  return [...new Set(said)]
}

function errorOf({ code, stdout, stderr }: Ended): string {
  const last = stderr.lastIndexOf('error:')
  const said = (last < 0 ? `${stdout}${stderr}` : stderr.slice(last + 'error:'.length)).trim().slice(0, 2000)
  return said === '' ? `nix ended with exit code ${code}` : said
}

function line({ kind, name, ok, warnings, error = '' }: Row): string {
  const cell = (text: string) => text.replaceAll(/\s+/g, ' ').replaceAll('|', '\\|').slice(0, 300)
  return `| ${kind} | ${name} | ${ok ? 'yes' : cell(`no: ${error}`)} | ${cell(warnings.join('; '))} |\n`
}

/** Where Nix's programs are that nixpkgs takes: none for this machine's own. */
async function newEnough(): Promise<{ bin?: string }> {
  const version = await new Promise<string>(resolve =>
    execFile('nix', ['--version'], (error, stdout) => resolve(error === null ? stdout : '')),
  )
  const [, major = 0, minor = 0] = (/(\d+)\.(\d+)/.exec(version) ?? []).map(Number)
  const enough = major > OLDEST_NIX[0] || (major === OLDEST_NIX[0] && minor >= OLDEST_NIX[1])
  return enough ? {} : { bin: await newerNix() }
}

function print(text: string): void {
  process.stdout.write(text)
}

process.exitCode = await main()
