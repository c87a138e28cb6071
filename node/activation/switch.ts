/** Runs a top level's own switch-to-configuration as a child, and commits with it. */

import type { Target } from '../../protocol/encoding/fields.ts'
import { messageOf, ThymeshError } from '../../protocol/errors.ts'
import { policyOf } from '../../protocol/release/update-policy.ts'
import { outputLines } from '../process/limits.ts'
import type { Logger } from '../process/log.ts'
import { runProgram } from '../process/run-program.ts'
import type { NixStore } from '../store/local/nix-store.ts'
import { bootDefault } from './boot-default.ts'
import type { JournalEntry } from './journal-entry.ts'
import { activationTimeoutMs } from './limits.ts'

/** `interrupted`: the machine could not do it, which is no verdict on the generation. */
export class SwitchError extends ThymeshError<'switch-failed' | 'interrupted'> {}

/** Messages of programs on a machine without space or memory. */
const machineLacks = /No space left on device|Disk quota exceeded|Cannot allocate memory|Read-only file system/

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

  /** Reverts half a commit, if the new generation is the boot default. */
  async undoCommit(entry: JournalEntry): Promise<void> {
    if (entry.old === undefined) return
    if ((await bootDefault(entry.target, this.#root ?? '/')) !== entry.new) return
    await this.#components.store.setProfile(profiles[entry.target], entry.old)
    await this.#boot(entry.old, policyOf(entry.policy).bootAttempts)
  }

  async #boot(topLevel: string, tries: number): Promise<void> {
    // In the environment, which a generation that doesn't know it passes over.
    const result = await this.run(topLevel, 'boot', { THYMESH_BOOT_TRIES: String(tries) })
    if (result.code === 0) return
    const end = result.signal ?? `exit code ${result.code}`
    const output = result.output.join('\n')
    const code = result.signal !== null || machineLacks.test(output) ? 'interrupted' : 'switch-failed'
    throw new SwitchError(code, `switch-to-configuration boot failed (${end}):\n${output}`.slice(0, 1000))
  }
}
