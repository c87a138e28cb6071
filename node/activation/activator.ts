/** Makes a top level that is in the store the one that runs, then the one that boots. */

import { readlink } from 'node:fs/promises'
import { join } from 'node:path'
import { messageOf, ThymeshError } from '../../protocol/errors.ts'
import type { Target } from '../../protocol/fields.ts'
import { isStorePath } from '../../protocol/nix/store-path.ts'
import { activationTimeoutMs, outputLines } from '../defaults.ts'
import type { Logger } from '../log.ts'
import type { NixStore } from '../store/nix-store.ts'
import { runProgram } from './program.ts'

export class ActivationError extends ThymeshError<'switch-failed' | 'not-running' | 'unsupported'> {}

/** NixOS boots its own profile; the portable target has one that can't collide with it. */
const profiles: Record<Target, string> = { nixos: 'system', portable: 'thymesh' }

export interface ActivatorComponents {
  store: Pick<NixStore, 'realPath' | 'setProfile'>
  log: Logger
}

export class Activator {
  readonly #components: ActivatorComponents
  readonly #root: string | undefined

  /** With a root, links are made under that directory and nothing is started there. */
  constructor(components: ActivatorComponents, init: { root: string | undefined }) {
    this.#components = components
    this.#root = init.root
  }

  /** The top level that runs, by what the machine itself says; nothing when none does. */
  async running(): Promise<string | undefined> {
    try {
      const target = await readlink(join(this.#root ?? '/', 'run/current-system'))
      return isStorePath(target) ? target : undefined
    } catch {
      return undefined
    }
  }

  /**
   * Runs the top level's `switch-to-configuration test`, sees that it runs, then makes it the profile's newest generation
   * and the boot default: a reboot before the end comes up with what ran before. Throws an ActivationError.
   */
  async activate(target: Target, topLevel: string): Promise<void> {
    if (target === 'nixos' && this.#root !== undefined) {
      throw new ActivationError(
        'unsupported',
        'a NixOS system can be activated on the machine itself only, not under a root',
        {
          hint: 'Remove "root" from the settings.',
        },
      )
    }
    await this.#switch(topLevel, 'test')
    const running = await this.running()
    if (running !== topLevel) {
      throw new ActivationError(
        'not-running',
        `expected ${topLevel} to run after the switch, got ${running ?? 'nothing'}`,
      )
    }
    await this.#components.store.setProfile(profiles[target], topLevel)
    await this.#switch(topLevel, 'boot')
  }

  async #switch(topLevel: string, action: 'test' | 'boot'): Promise<void> {
    const { store, log } = this.#components
    const program = join(store.realPath(topLevel), 'bin/switch-to-configuration')
    const args = this.#root === undefined ? [action] : [action, '--root', this.#root]
    const result = await runProgram(program, args, {
      timeoutMs: activationTimeoutMs,
      lines: outputLines,
      onLine: line => log.debug({ action, line }, 'switch-to-configuration'),
    }).catch((thrown: unknown) => {
      throw new ActivationError('switch-failed', `${program} ${action}: ${messageOf(thrown)}`, { cause: thrown })
    })
    if (result.code === 0) return
    const end = result.signal ?? `exit code ${result.code}`
    throw new ActivationError(
      'switch-failed',
      `switch-to-configuration ${action} failed (${end}):\n${result.output.join('\n')}`,
    )
  }
}
