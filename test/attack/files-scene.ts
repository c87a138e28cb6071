/** A machine with a user of her own folder: the script of the module `files`, as the unit runs it, as root on real files. */

import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, realpathSync, statSync } from 'node:fs'
import { chmod, chown, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Ended, runToEnd } from '../e2e/helpers/processes.ts'
import type { Ending } from './arena.ts'

const repository = join(import.meta.dirname, '../..')
const secretText = 'for root alone\n'
export const artifactText = 'what the config wants\n'

/** What runs the script: `sh` on the portable target, bash on NixOS. */
export const shells = ['sh', 'bash'] as const

/** An artifact or a secret, as the module's settings have them. */
interface Wanted {
  readonly path: string
  readonly secret?: true
  readonly mode?: string
}

export class FilesScene {
  /** Some account that is not root's. */
  static readonly user = 4242
  readonly #directory: string
  /** The user's folder, and root's with a file for root alone. */
  readonly home: string
  readonly vault: string
  readonly vaultFile: string
  readonly #artifact: string

  private constructor(directory: string) {
    this.#directory = directory
    this.home = join(directory, 'home')
    this.vault = join(directory, 'vault')
    this.vaultFile = join(this.vault, 'shadow')
    this.#artifact = join(directory, 'artifact')
  }

  static async of(ending: Ending): Promise<FilesScene> {
    const directory = realpathSync(mkdtempSync(join(tmpdir(), 'thymesh-files-')))
    ending.after(() => rm(directory, { recursive: true, force: true }))
    await chmod(directory, 0o755)
    const scene = new FilesScene(directory)
    for (const each of [scene.home, scene.vault, join(directory, 'var')]) mkdirSync(each)
    await chown(scene.home, FilesScene.user, FilesScene.user)
    await chmod(scene.vault, 0o755)
    await writeFile(scene.vaultFile, secretText, { mode: 0o600 })
    await writeFile(scene.#artifact, artifactText, { mode: 0o444 })
    return scene
  }

  /** A path in the user's folder. */
  at(name: string): string {
    return join(this.home, name)
  }

  /** Runs the unit's script. What it notes in /var is this scene's own, and stays for the next run. */
  async apply(shell: (typeof shells)[number], ...wanted: Wanted[]): Promise<Ended> {
    const script = this.#script(wanted)
    const inside = 'mount --bind "$1" /var/lib; exec "$2" -euc "$3"'
    const argv = ['--mount', 'sh', '-euc', inside, 'sh', join(this.#directory, 'var'), shell, script]
    return await runToEnd('unshare', argv, { cwd: '/', env: { PATH: process.env.PATH } })
  }

  /** The user does something, as this account. */
  asUser(script: string): void {
    execFileSync('setpriv', [...this.#asUser, 'sh', '-euc', script], { cwd: this.home })
  }

  /** The user does something over and over; ended by what is returned. */
  keepsDoing(script: string): () => Promise<void> {
    const child = spawn('setpriv', [...this.#asUser, 'sh', '-uc', `while :; do ${script}; done`], {
      cwd: this.home,
      stdio: 'ignore',
    })
    const ended = new Promise<void>(resolve => child.once('close', () => resolve()))
    return async () => {
      child.kill('SIGKILL')
      await ended
    }
  }

  get #asUser(): string[] {
    return ['--reuid', String(FilesScene.user), '--regid', String(FilesScene.user), '--clear-groups']
  }

  /** What is root's alone is as it was, and nothing came beside it. */
  async vaultIsWhole(): Promise<void> {
    const { uid, mode } = statSync(this.vaultFile)
    assert.deepEqual([uid, (mode & 0o777).toString(8)], [0, '600'], "root's file has another owner or mode")
    assert.equal(await readFile(this.vaultFile, 'utf8'), secretText)
    assert.deepEqual(execFileSync('ls', ['-A', this.vault], { encoding: 'utf8' }), 'shadow\n')
  }

  /** The user can read root's file nowhere. */
  nothingLeaked(): void {
    const found = execFileSync('setpriv', [
      ...[...this.#asUser, 'sh', '-c', 'grep -rlsF -e "$1" "$2" || true', 'sh', secretText.trim(), this.#directory],
    ])
    assert.equal(found.toString(), '')
  }

  #script(wanted: readonly Wanted[]): string {
    const artifacts = wanted
      .filter(({ secret }) => !secret)
      .map(({ path, mode = '0644' }) => {
        const account = String(FilesScene.user)
        return { artifact: this.#artifact, path, mode, owner: account, group: account }
      })
    const secrets = wanted
      .filter(({ secret }) => secret)
      .map(({ path }) => ({ path, secret: { path: '/run/thymesh/secrets/one' } }))
    const expression = `{ settings }: (import ${repository}/nix/modules/files/script.nix {
      settings = builtins.fromJSON settings;
      thymesh = { text = import ${repository}/nix/lib/text.nix; systemd = import ${repository}/nix/lib/systemd.nix; };
    }).script`
    const settings = JSON.stringify({ artifacts, secrets })
    const argv = ['--eval', '--json', '--strict', '--expr', expression, '--argstr', 'settings', settings]
    const env = { PATH: process.env.PATH, HOME: this.#directory, NIX_REMOTE: 'dummy://' }
    return JSON.parse(execFileSync('nix-instantiate', argv, { env, encoding: 'utf8' })) as string
  }
}
