/** A place to evaluate and build projects with the real Nix: a store and a cache of its own, gone after the tests. */

import { execFile, execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

/** Evaluation and a build of a few files take a second; a loaded machine may take many times that. */
const COMMAND_TIMEOUT_MS = 120_000

const repository = join(import.meta.dirname, '../..')

/** The store has a root of its own, so Nix builds in its sandbox, which gets the builders' tools from this machine. */
const NIX_CONFIG = `
experimental-features = nix-command flakes
build-users-group =
substitute = false
sandbox-paths = /bin /usr /lib${process.arch === 'x64' ? ' /lib64' : ''}
`

export interface Ended {
  code: number
  stdout: string
  stderr: string
}

/** A project's files by their path; objects are written as JSON. */
export type Files = Record<string, string | object>

/** The system name that Nix has for this machine. */
export const thisSystem = process.arch === 'arm64' ? 'aarch64-linux' : 'x86_64-linux'

/** `false` where Nix is there, else why not, for `node:test`'s `skip`; CI must not skip. */
export function nixSkip(): string | false {
  try {
    execFileSync('nix', ['--version'], { stdio: 'ignore' })
    return false
  } catch {
    if (process.env.CI === 'true') throw new Error('expected CI to have nix; scripts/setup installs it')
    return 'nix is missing: scripts/setup installs it'
  }
}

export class Workshop {
  readonly #directory = realpathSync(mkdtempSync(join(tmpdir(), 'thymesh-nix-')))
  /** A device's root directory: its files, and its store in `nix/store`. */
  readonly root = join(this.#directory, 'root')
  readonly environment: NodeJS.ProcessEnv = {
    PATH: process.env.PATH,
    HOME: this.#directory,
    TMPDIR: this.#directory,
    NIX_REMOTE: `local?root=${this.root}`,
    NIX_CONFIG,
  }
  readonly #limitMs: number
  #projects = 0

  /** `bin` is a folder of Nix's programs, instead of this machine's; `limitMs` what one command may take. */
  constructor({ bin, limitMs = COMMAND_TIMEOUT_MS }: { bin?: string; limitMs?: number } = {}) {
    this.#limitMs = limitMs
    mkdirSync(this.root)
    if (bin === undefined) return
    this.environment.PATH = `${bin}:${this.environment.PATH}`
    // Unpacked elsewhere, it looks for its build hook where it isn't. Nix 2.8 takes no for a program without a name.
    this.environment.NIX_CONFIG = `${NIX_CONFIG}build-hook =\n`
  }

  /** Writes a project with the flake that `thymesh init` writes, and gives its directory. */
  project(files: Files): string {
    const directory = join(this.#directory, `project-${++this.#projects}`)
    const flake = '{ inputs.thymesh.url = "path:./nix"; outputs = { self, thymesh, ... }: '
    this.write(directory, { 'flake.nix': `${flake}thymesh.lib.mkFleet { project = self; }; }`, ...files })
    return directory
  }

  write(directory: string, files: Files): void {
    for (const [name, content] of Object.entries(files)) {
      mkdirSync(dirname(join(directory, name)), { recursive: true })
      writeFileSync(join(directory, name), typeof content === 'string' ? content : JSON.stringify(content))
    }
  }

  /** Runs a program to its end, within a time limit; a failure is a result too. */
  run(program: string, args: readonly string[]): Promise<Ended> {
    const options = { env: this.environment, cwd: this.#directory, timeout: this.#limitMs, maxBuffer: 2 ** 24 }
    return new Promise((resolve, reject) =>
      execFile(program, [...args], options, (error, stdout, stderr) => {
        if (error && typeof error.code !== 'number') reject(error)
        else resolve({ code: Number(error?.code ?? 0), stdout, stderr })
      }),
    )
  }

  /** `nix VERB` on an output of the project's flake. */
  nix(verb: string, project: string, output: string, ...more: string[]): Promise<Ended> {
    const thymesh = ['--override-input', 'thymesh', `path:${repository}/nix`]
    return this.run('nix', [verb, ...more, ...thymesh, `path:${project}#${output}`])
  }

  /** An output as plain data. */
  async evaluate(project: string, output: string): Promise<unknown> {
    return JSON.parse(succeeded(await this.nix('eval', project, output, '--json')))
  }

  /** What Nix says about an output that can't be evaluated. */
  async evaluationError(project: string, output: string): Promise<string> {
    const { code, stdout, stderr } = await this.nix('eval', project, output, '--json')
    if (code === 0) throw new Error(`expected ${output} to be refused, got ${stdout}`)
    return stderr
  }

  /** Builds a config's top level and gives its store path. */
  async build(project: string, config: string): Promise<string> {
    const output = succeeded(await this.nix('build', project, `thymesh.configs.${config}`, '--json', '--no-link'))
    return JSON.parse(output)[0].outputs.out
  }

  /** Where a store path or any other absolute path of the device lies on this machine. */
  at(path: string): string {
    return join(this.root, path)
  }

  /** A generation's switch-to-configuration for the device. */
  switch(top: string, ...args: string[]): Promise<Ended> {
    return this.run(this.at(`${top}/bin/switch-to-configuration`), [...args, '--root', this.root])
  }

  remove(): void {
    // Directories of a store are read-only, which stops everyone but root.
    execFileSync('chmod', ['-R', 'u+w', this.#directory])
    rmSync(this.#directory, { recursive: true, force: true })
  }
}

/** The standard output of a program that ended well; throws for any other. */
export function succeeded({ code, stdout, stderr }: Ended): string {
  if (code !== 0) throw new Error(`expected success, got exit code ${code}: ${stderr}`)
  return stdout
}
