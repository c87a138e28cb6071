/** Runs a top level's own switch-to-configuration as a child, and commits with it. */

import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Target } from '../../protocol/encoding/fields.ts'
import { messageOf } from '../../protocol/errors.ts'
import { policyOf } from '../../protocol/release/update-policy.ts'
import { outputLines } from '../process/limits.ts'
import type { Logger } from '../process/log.ts'
import { runProgram } from '../process/run-program.ts'
import type { NixStore } from '../store/local/nix-store.ts'
import { bootDefault, storeLink } from './boot-default.ts'
import { bootOnce, clearBootOnce } from './boot-once.ts'
import type { JournalEntry } from './journal-entry.ts'
import { activationTimeoutMs } from './limits.ts'
import { machineLacks, SwitchError } from './switch-error.ts'

/** NixOS boots its own profile; the portable target has one that can't collide with it. */
export const profiles: Record<Target, string> = { nixos: 'system', portable: 'thymesh' }

export interface SwitchComponents {
  store: Pick<NixStore, 'realPath' | 'setProfile'>
  log: Logger
}

export class Switcher {
  readonly #components: SwitchComponents
  readonly #root: string | undefined

  constructor(components: SwitchComponents, init: { root: string | undefined }) {
    this.#components = components
    this.#root = init.root
  }

  /** Runs an action of a top level; resolves to its exit code and output. Throws a SwitchError if it can't be run. */
  async run(topLevel: string, action: string, env: NodeJS.ProcessEnv = {}) {
    const program = `${this.#components.store.realPath(topLevel)}/bin/switch-to-configuration`
    const args = this.#root === undefined ? [action] : [action, '--root', this.#root]
    return await runProgram(program, args, {
      timeoutMs: activationTimeoutMs,
      lines: outputLines,
      env: { ...process.env, ...env },
      onLine: line => this.#components.log.debug({ action, line }, 'switch-to-configuration'),
    }).catch((thrown: unknown) => {
      throw new SwitchError('interrupted', `${program} ${action}: ${messageOf(thrown)}`, { cause: thrown })
    })
  }

  /** Sets the profile first, since boot loaders list its generations; then the boot default, which takes effect. */
  async commit(entry: JournalEntry): Promise<void> {
    await this.#components.store.setProfile(profiles[entry.target], entry.new)
    await this.#boot(entry.new, policyOf(entry.policy).bootAttempts)
  }

  /**
   * Reverts half a commit, if the new generation is the boot default. The old one's boots are not counted: what would be gone back
   * to is the one that has just failed.
   */
  async undoCommit(entry: JournalEntry): Promise<void> {
    if (entry.old === undefined) return
    if ((await bootDefault(entry.target, this.#root ?? '/')) !== entry.new) return
    await this.#components.store.setProfile(profiles[entry.target], entry.old)
    await this.#boot(entry.old)
  }

  /** The next boot starts the new generation, and only that one: the boot default stays the old one. */
  async stage(entry: JournalEntry): Promise<void> {
    if (entry.target === 'portable') return await this.#must(entry.new, 'boot-once')
    const { store } = this.#components
    // Loaders list the profile's generations, so the new one gets into the menu; the old one stays what boots by default.
    await store.setProfile(profiles.nixos, entry.new)
    await this.#boot(entry.old ?? entry.new, policyOf(entry.policy).bootAttempts)
    await bootOnce(entry.new)
  }

  /** Takes the stage back: the next boot is an ordinary one, of the old generation. */
  async unstage(entry: JournalEntry): Promise<void> {
    if (entry.old === undefined) return
    if (entry.target === 'portable') {
      for (const name of ['boot-once', 'boot-trying']) await rm(join('/etc/thymesh', name), { force: true })
      return
    }
    await clearBootOnce()
    if ((await storeLink(`/nix/var/nix/profiles/${profiles.nixos}`)) !== entry.new) return
    await this.#components.store.setProfile(profiles.nixos, entry.old)
    await this.#boot(entry.old)
  }

  // In the environment, which a generation that doesn't know it passes over.
  #boot(topLevel: string, tries?: number): Promise<void> {
    return this.#must(topLevel, 'boot', { THYMESH_BOOT_TRIES: tries === undefined ? '' : String(tries) })
  }

  async #must(topLevel: string, action: string, env: NodeJS.ProcessEnv = {}): Promise<void> {
    const result = await this.run(topLevel, action, env)
    if (result.code === 0) return
    const end = result.signal ?? `exit code ${result.code}`
    const output = result.output.join('\n')
    const code = result.signal !== null || machineLacks.test(output) ? 'interrupted' : 'switch-failed'
    throw new SwitchError(code, `switch-to-configuration ${action} failed (${end}):\n${output}`.slice(0, 1000))
  }
}
