/** An operator who rehearses NixOS configs: their Nix store is the usual /nix, which nobody else on this computer sees. */

import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Fleet } from '../../e2e/helpers/fleet.ts'
import { LabError } from '../errors.ts'
import { makeProgram } from './image.ts'
import { bootParts } from './parts.ts'
import { becomesNixos, type Generation, generationFiles } from './project.ts'

/** An emulated rehearsal takes half an hour, and more where others use the processors. */
export const rehearsalLimitMs = 5 * 3_600_000

/** Images are made as root, of files outside of the store. */
const nixConfig = `
build-users-group =
sandbox = false
filter-syscalls = false
substitute = false
`

export class TryFleet {
  readonly operator: Fleet
  readonly #mounts: ChildProcess

  private constructor(operator: Fleet, mounts: ChildProcess) {
    this.operator = operator
    this.#mounts = mounts
  }

  /** A founded fleet, whose config `gate` is this generation. */
  static async create(first: Generation): Promise<TryFleet> {
    const parts = await bootParts()
    const operator = await Fleet.prepare()
    const store = join(operator.directory, 'nix')
    mkdirSync(store)
    const mounts = await mountNamespace(store, '/nix')
    const fleet = new TryFleet(operator, mounts)
    try {
      operator.through = argv => ['nsenter', '-t', String(mounts.pid), '-m', 'env', '-C', operator.project, ...argv]
      operator.env.NIX_CONFIG = nixConfig
      const program = join(operator.directory, 'program')
      await makeProgram(program)
      const places = join(operator.directory, 'places.nix')
      const loader = join(parts.directory, 'systemd-bootx64.efi')
      writeFileSync(
        places,
        `{ root = "${join(parts.directory, 'root')}"; loader = "${loader}"; program = "${program}"; }\n`,
      )
      const place = ['--listen', operator.address, '--bootstrap', operator.address, '--no-mdns']
      await operator.json('init', '.', '--name', 'trial', '--no-passphrase', ...place)
      await becomesNixos(operator, parts, first, places)
      return fleet
    } catch (thrown) {
      await fleet[Symbol.asyncDispose]()
      throw thrown
    }
  }

  async commit(generation: Generation): Promise<void> {
    await this.operator.commit(generation.hello, generationFiles(this.operator, generation))
  }

  /** Signs a release of what is committed, which nobody runs. */
  async release(): Promise<void> {
    const { code, stdout, stderr } = await this.operator.run('deploy', '-m', 'what runs', '--timeout', '1')
    assert.equal(code, 2, stdout + stderr)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.operator.remove()
    const ended = once(this.#mounts, 'exit')
    this.#mounts.kill('SIGKILL')
    await ended
  }
}

/** A mount namespace that a sleeping process keeps, with one directory in place of another: it can't outlive this process. */
async function mountNamespace(directory: string, at: string): Promise<ChildProcess> {
  const inside = 'mkdir -p "$2" && mount --bind "$1" "$2" && echo ready && exec sleep infinity'
  const apart = ['--pdeathsig', 'KILL', 'unshare', '--mount', '--propagation', 'private']
  const holder = spawn('setpriv', [...apart, 'sh', '-c', inside, 'sh', directory, at], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  await Promise.race([once(holder.stdout, 'data'), once(holder, 'exit')])
  if (holder.exitCode === null) return holder
  throw new LabError('lab-missing', `expected a mount namespace with its own ${at}, it was refused`, {
    hint: 'Run as root with CAP_SYS_ADMIN.',
  })
}
