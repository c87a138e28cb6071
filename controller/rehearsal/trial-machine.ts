/** The machine of a trial: a device with the daemon as its service, whose power can be cut. */

import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { runProgram } from '../../node/process/run-program.ts'
import type { SettingsInput } from '../../node/settings/settings.ts'
import { makeCgroups, removeCgroups } from './cgroups.ts'
import { placeDaemon, daemonUnit as unit } from './daemon-unit.ts'
import { insidePath, Machine } from './machine.ts'
import type { TrialProgram } from './program.ts'
import { RehearsalError } from './rehearsal-error.ts'
import type { TrialRoot } from './root.ts'

const pollMs = 100
const execMs = 60_000
/** A unit may take 90 seconds to stop by systemd's default, which is no fault of a config. */
const stopMs = 120_000

const settingsFile = '/etc/thymesh-try/node.json'

export interface TrialMachineInit {
  readonly name: string
  readonly directory: string
  readonly root: TrialRoot
  readonly program: TrialProgram
  /** The store path of the daemon's Nix; that of its root, if there is none. */
  readonly nix: string | undefined
  readonly settings: SettingsInput
  /** The name of its control group. */
  readonly group: string
  /** When the whole trial ends, by performance.now(). */
  readonly deadline: number
}

export class TrialMachine {
  readonly #init: TrialMachineInit
  #machine: Machine | undefined
  #cgroups: string[] = []

  constructor(init: TrialMachineInit) {
    this.#init = init
    placeDaemon(init.root, { ...init, settingsFile })
  }

  /** Switches it on, and waits until its systemd has started everything. */
  async boot(): Promise<void> {
    const { name, directory, root, program, group, deadline } = this.#init
    this.#cgroups = makeCgroups(group)
    const machine = new Machine({
      ...{ name, root: root.root, overlays: root.overlays, cgroups: this.#cgroups },
      consoleLog: join(directory, 'screen.log'),
      // All of the trial is in one network, which has a loopback device only.
      network: '/proc/self/ns/net',
      nspawn: program.binds.map(place => `--bind-ro=${place}`),
    })
    this.#machine = machine
    for (let state = ''; ; await sleep(pollMs)) {
      const now = await machine.bootState()
      if (now.started) return
      state = now.state
      if (machine.running && performance.now() < deadline) continue
      throw broken(`the machine did not boot: ${state}\n${machine.consoleTail()}`)
    }
  }

  /** A program's output in the machine; nothing where it fails. */
  async ask(...argv: string[]): Promise<string | undefined> {
    const [program, ...args] = this.#machine?.argv(argv) ?? []
    if (program === undefined) return undefined
    const env = { PATH: insidePath, HOME: '/root', LANG: 'C.UTF-8' }
    const ended = await runProgram(program, args, { timeoutMs: execMs, lines: 20, env }).catch(() => undefined)
    return ended?.code === 0 ? ended.stdout.trim() : undefined
  }

  /** The top level that runs, and the one that the next boot brings; nothing before the first update. */
  async generations(): Promise<{ readonly running: string | undefined; readonly boots: string | undefined }> {
    const link = async (path: string) => await this.ask('readlink', path)
    return { running: await link('/run/current-system'), boots: await link('/etc/thymesh/boot') }
  }

  async failedUnits(): Promise<string[]> {
    const text = (await this.ask('systemctl', 'list-units', '--failed', '--plain', '--no-legend', '--no-pager')) ?? ''
    return text.split('\n').flatMap(line => line.trim().split(/\s+/)[0] || [])
  }

  /** The state of the update to this top level, as the daemon's journal on the disk has it. */
  updateState(topLevel: string): string | undefined {
    const file = this.#init.root.place('/var/lib/thymesh/activation/journal')
    if (!existsSync(file)) return undefined
    const text = readFileSync(file, 'utf8')
    return text.includes(`\nnew=${topLevel}\n`) ? /^state=(\S+)$/m.exec(text)?.[1] : undefined
  }

  /** What the daemon has logged since the boot. */
  async log(): Promise<string> {
    return (await this.ask('journalctl', '-b', '-o', 'cat', '--no-pager', '-u', unit)) ?? ''
  }

  /** Takes the power away: every process ends at once. Its disk stays. */
  async powerCut(): Promise<void> {
    await this.#machine?.kill()
    this.#machine = undefined
    removeCgroups(this.#cgroups)
  }

  /** Reboots in order. */
  async reboot(): Promise<void> {
    // Its answer says nothing: it may be ended by the very shutdown that it asks for.
    await this.ask('systemctl', 'reboot')
    if (!(await this.#machine?.endsWithin(stopMs))) throw broken('the machine did not go down to reboot')
    await this.powerCut()
    await this.boot()
  }
}

function broken(words: string): RehearsalError {
  return new RehearsalError('try-broken', words, {
    hint: 'Look whether this computer has memory and disk left, then try again.',
  })
}
