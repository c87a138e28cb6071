/** Evaluates all of Thymesh's NixOS with a real nixpkgs, and prints what came of each as a table. */

import { execFile } from 'node:child_process'
import { existsSync, realpathSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { newerNix } from '../../../test/interop/newer-nix.ts'
import { type Ended, Workshop } from '../../../test/nix/workshop.ts'
import { type Case, cases, projectFiles } from './cases.ts'

const help = `Usage: scripts/nixos-check PATH [PATTERN …] [--json]

Evaluates every built-in module, device type, image and example, the flake's package and modules, each down to its
derivation, with the nixpkgs in PATH (a checkout). Nothing is built. PATTERN: only rows whose kind or name has it.

  --json   one JSON object for each row instead of the table
  --help   this

It needs Nix 2.18 or newer, as nixpkgs 25.11 does; where this machine's is older, Debian's newest is fetched into .cache.
Exit codes: 0 all evaluate; 1 some don't; 64 the command line is wrong.
`
/** nixpkgs since 25.11 refuses an older one. */
const OLDEST_NIX = [2, 18] as const
const usage = 64

interface Row extends Case {
  ok: boolean
  /** Distinct warnings of the evaluation. */
  warnings: string[]
  /** The last error that Nix tells of. */
  error?: string
}

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { json: { type: 'boolean' }, help: { type: 'boolean' } },
  })
  if (values.help) return print(help)
  const [given, ...patterns] = positionals
  if (given === undefined) return refuse(`expected the path of a nixpkgs\n\n${help}`)
  if (!existsSync(join(given, 'nixos/modules/module-list.nix'))) {
    return refuse(`expected ${given} to be a nixpkgs, with nixos/modules/module-list.nix in it\n`)
  }
  const workshop = new Workshop(await newEnough())
  try {
    const nixpkgs = realpathSync(given)
    const all = cases({ nixpkgs, project: workshop.project(projectFiles) })
    const wanted = all.filter(
      ({ kind, name }) => patterns.length === 0 || patterns.some(pattern => `${kind} ${name}`.includes(pattern)),
    )
    let failed = 0
    if (!values.json) print(`| kind | name | evaluates | warnings |\n| --- | --- | --- | --- |\n`)
    for (const one of wanted) {
      const row = await evaluate(workshop, one)
      if (!row.ok) failed++
      const { expression: _, ...shown } = row
      print(values.json ? `${JSON.stringify(shown)}\n` : line(row))
    }
    if (!values.json) print(`\n${wanted.length - failed} of ${wanted.length} evaluate.\n`)
    return failed === 0 ? 0 : 1
  } finally {
    workshop.remove()
  }
}

async function evaluate(workshop: Workshop, one: Case): Promise<Row> {
  const ended = await workshop.run('nix', ['eval', '--impure', '--read-only', '--raw', '--expr', one.expression])
  const ok = ended.code === 0 && /^\/nix\/store\/.*\.drv$/.test(ended.stdout)
  return { ...one, ok, warnings: warningsOf(ended), ...(ok ? {} : { error: errorOf(ended) }) }
}

function warningsOf({ stderr }: Ended): string[] {
  const said = [...stderr.matchAll(/^(?:evaluation )?warning: (.*)$/gm)].map(([, text = '']) => text.trim())
  return [...new Set(said)]
}

function errorOf({ stdout, stderr }: Ended): string {
  const last = stderr.lastIndexOf('error:')
  return (last < 0 ? `${stdout}${stderr}` : stderr.slice(last + 'error:'.length)).trim().slice(0, 2000)
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

function print(text: string): number {
  process.stdout.write(text)
  return 0
}

function refuse(text: string): number {
  process.stderr.write(text)
  return usage
}

process.exitCode = await main()
