/** A machine with systemd: the switch and the deadline are units of their own, which outlive the daemon. */

import { randomUUID } from 'node:crypto'
import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Target } from '../../protocol/encoding/fields.ts'
import { policyOf } from '../../protocol/release/update-policy.ts'
import { syncDirectory } from '../files/durable-file.ts'
import { isMissing } from '../files/missing.ts'
import { outputLines } from '../process/limits.ts'
import type { Logger } from '../process/log.ts'
import { type ProgramResult, runProgram } from '../process/run-program.ts'
import type { NixStore } from '../store/local/nix-store.ts'
import { AttemptFolder } from './attempt-folder.ts'
import { bootDefault, storeLink } from './boot-default.ts'
import { bootGuardTimer, placeBootGuard, removeBootGuard } from './boot-guard.ts'
import { writeDurably } from './journal.ts'
import type { JournalEntry } from './journal-entry.ts'
import { activationTimeoutMs, guardPollMs, maxNotInForce, rollBackStarts, systemctlTimeoutMs } from './limits.ts'
import { rebootNeed } from './reboot-need.ts'
import { Switcher } from './switch.ts'
import type { ActivationSystem } from './system.ts'
import { hasBootJobs, parseUnits, showArguments, wantsOf } from './systemd-units.ts'
import type { Decision } from './transition.ts'
import type { UnitState } from './unit-health.ts'

/** Cleared at every boot, as all of /run. */
export const runDirectory = '/run/thymesh'
/** The portable target's boot counter and its limit; they exist only until the first good boot. */
const [bootDirectory, bootCounter] = ['/etc/thymesh', ['boot-tries', 'boot-count']]
/** Lines of a unit's journal in the log of a failure. */
const journalLines = 60

export interface SystemdComponents {
  store: Pick<NixStore, 'realPath' | 'setProfile'>
  log: Logger
}

export class SystemdSystem implements ActivationSystem {
  readonly hasGuard = true
  readonly startsUnits = true
  readonly #components: SystemdComponents
  readonly #directory: string
  readonly #switcher: Switcher

  /** `directory` is the journal's. */
  constructor(components: SystemdComponents, init: { directory: string }) {
    this.#components = components
    this.#directory = init.directory
    this.#switcher = new Switcher(components, { root: undefined })
  }

  async bootId(): Promise<string> {
    try {
      return (await readFile(`${runDirectory}/boot-id`, 'utf8')).trim()
    } catch (thrown) {
      if (!isMissing(thrown)) throw thrown
      const id = randomUUID()
      await writeDurably(runDirectory, 'boot-id', `${id}\n`)
      return id
    }
  }

  async uptime(): Promise<number> {
    // As systemd's timers count, whose deadlines are compared with it: /proc/uptime goes on while the machine is suspended.
    return Number(process.hrtime.bigint() / 1_000_000_000n)
  }

  running(): Promise<string | undefined> {
    return storeLink('/run/current-system')
  }

  boots(target: Target): Promise<string | undefined> {
    return bootDefault(target, '/')
  }

  async units(topLevel: string | undefined, entry?: JournalEntry): Promise<readonly UnitState[]> {
    const counts = topLevel !== undefined && (entry === undefined || (await this.#attempt(entry).countsWants()))
    const wants = counts ? await wantsOf(this.#components.store.realPath(topLevel)) : []
    const { stdout } = await this.#answer(showArguments(wants))
    // The clock of systemd's timestamps.
    const now = Number(process.hrtime.bigint() / 1000n)
    return parseUnits(stdout, wants, now).filter(
      ({ name }) => !/^thymesh-(?:activate-|rollback-|boot-deadline\.)/.test(name),
    )
  }

  async unitIsActive(unit: string): Promise<boolean> {
    const { stdout } = await this.#answer(['show', '--value', '-p', 'ActiveState', '--', unit])
    return ['active', 'reloading', 'refreshing'].includes(stdout.trim())
  }

  async rebootNeed(target: Target, { running, next }: { running: string; next: string }) {
    const { store } = this.#components
    const booted = (await storeLink('/run/booted-system')) ?? running
    return await rebootNeed(target, {
      booted: store.realPath(booted),
      running: store.realPath(running),
      next: store.realPath(next),
    })
  }

  async stage(entry: JournalEntry): Promise<void> {
    const attempt = this.#attempt(entry)
    await attempt.prepare(this.#storeRoot(entry))
    // First: a generation that is booted without it would never be left.
    await placeBootGuard(attempt.guard, attempt.directory, policyOf(entry.policy).confirm.deadlineSeconds)
    await this.#switcher.stage(entry)
  }

  async unstage(entry: JournalEntry): Promise<void> {
    await this.#switcher.undoCommit(entry)
    await this.#switcher.unstage(entry)
    await this.#removeBootGuard()
  }

  async #removeBootGuard(): Promise<void> {
    await removeBootGuard()
    await this.#systemctl(['stop', bootGuardTimer])
  }

  async reboot(): Promise<void> {
    const { code, errors } = await this.#systemctl(['reboot'])
    if (code !== 0) throw new Error(`systemctl reboot ended with code ${code}: ${errors.join('\n')}`)
  }

  async bootEnds(signal: AbortSignal): Promise<void> {
    for (;;) {
      const { code, stdout } = await this.#systemctl(['list-jobs', '--no-legend', '--plain'])
      if (code === 0 && !hasBootJobs(stdout)) return
      await sleep(guardPollMs, undefined, { signal })
    }
  }

  async isStopping(): Promise<boolean> {
    return (await this.#systemctl(['is-system-running'])).stdout.trim() === 'stopping'
  }

  markStopped(entry: JournalEntry, stopped: boolean): Promise<void> {
    return this.#attempt(entry).markStopped(stopped)
  }

  wasStopped(entry: JournalEntry): Promise<boolean> {
    return this.#attempt(entry).wasStopped()
  }

  async arm(entry: JournalEntry, seconds: number): Promise<void> {
    const attempt = this.#attempt(entry)
    // Anew: nothing of an earlier attempt of this name may count, and while it is armed nothing has begun.
    await attempt.prepare(this.#storeRoot(entry))
    await this.#run(
      rollbackUnit(entry),
      [...guardOf(attempt, 'roll-back')],
      [`--on-active=${seconds}`, '--timer-property=AccuracySec=1s'],
    )
  }

  async disarm(entry: JournalEntry): Promise<void> {
    await this.#systemctl(['stop', `${rollbackUnit(entry)}.timer`])
    if (entry.byBoot !== undefined) await this.#removeBootGuard()
  }

  async test(entry: JournalEntry, signal: AbortSignal): Promise<number | null> {
    const attempt = this.#attempt(entry)
    const unit = `thymesh-activate-${entry.id}`
    if (!(await attempt.started()) && !(await this.#isUp(`${unit}.service`))) {
      await this.#run(unit, guardOf(attempt, 'test'))
    }
    return (await this.#waitFor(() => attempt.code('result'), `${unit}.service`, signal)) ?? null
  }

  async rollBack(entry: JournalEntry, signal: AbortSignal): Promise<void> {
    const attempt = this.#attempt(entry)
    const unit = rollbackUnit(entry)
    for (let start = 0; start < rollBackStarts; start++) {
      if ((await attempt.code('outcome')) === undefined && !(await this.#isUp(`${unit}.service`))) {
        const { code } = await this.#systemctl(['start', '--no-block', `${unit}.service`])
        if (code !== 0) await this.#run(unit, guardOf(attempt, 'roll-back'))
      }
      const outcome = await this.#waitFor(() => attempt.code('outcome'), `${unit}.service`, signal)
      if (outcome !== undefined) break
    }
    await this.#switcher.undoCommit(entry)
  }

  commit(entry: JournalEntry): Promise<void> {
    return this.#switcher.commit(entry)
  }

  decide(entry: JournalEntry, wanted: Decision, force?: boolean): Promise<Decision> {
    return this.#attempt(entry).decide(wanted, force)
  }

  decision(entry: JournalEntry): Promise<Decision | undefined> {
    return this.#attempt(entry).decision()
  }

  async blessBoot(): Promise<void> {
    await writeDurably(runDirectory, 'good-boot', '')
    for (const name of bootCounter) await rm(join(bootDirectory, name), { force: true })
    // Else a power cut may bring the counter back.
    await syncDirectory(bootDirectory).catch(ignoreMissing)
  }

  output(entry: JournalEntry): Promise<string> {
    return this.#attempt(entry).output()
  }

  async notInForce(): Promise<readonly string[]> {
    // The portable target's; absent on NixOS, and before the first switch of a boot.
    const text = await readFile(`${runDirectory}/not-in-force`, 'utf8').catch(ignoreMissing)
    const lines = (text ?? '').slice(0, maxNotInForce.characters).split('\n')
    return [...(await this.#notBooted()), ...lines].filter(line => line !== '').slice(0, maxNotInForce.lines)
  }

  /** What of a NixOS generation that was only switched to takes a boot. */
  async #notBooted(): Promise<string[]> {
    const [booted, running] = await Promise.all(['/run/booted-system', '/run/current-system'].map(storeLink))
    if (booted === undefined || running === undefined || booted === running) return []
    const [before, now] = [booted, running].map(path => this.#components.store.realPath(path))
    if (before === undefined || now === undefined) return []
    const need = await rebootNeed('nixos', { booted: before, running: now, next: now })
    return need === undefined ? [] : [`${need.reason}: it takes a reboot`]
  }

  async journalOf(unit: string): Promise<string> {
    const args = ['--no-pager', '-b', '-o', 'short-iso', '-n', String(journalLines), '-u', unit]
    const limits = { timeoutMs: systemctlTimeoutMs, lines: journalLines }
    return (await runProgram('journalctl', args, limits)).stdout
  }

  #attempt(entry: JournalEntry): AttemptFolder {
    return new AttemptFolder(this.#directory, entry)
  }

  #storeRoot(entry: JournalEntry): string {
    return this.#components.store.realPath(entry.new).slice(0, -entry.new.length)
  }

  async #isUp(unit: string): Promise<boolean> {
    const { stdout } = await this.#answer(['show', '--value', '-p', 'ActiveState', '--', unit])
    return ['active', 'activating', 'deactivating'].includes(stdout.trim())
  }

  /** Waits for a file that the guard writes; nothing if its unit ended without it. */
  async #waitFor(
    ask: () => Promise<number | undefined>,
    unit: string,
    signal: AbortSignal,
  ): Promise<number | undefined> {
    for (let ended = 0; ended < 2; ) {
      const code = await ask()
      if (code !== undefined) return code
      // Twice, since it may have ended between the two questions. Without an answer it may still run.
      ended = (await this.#isUp(unit).catch(() => true)) ? 0 : ended + 1
      await sleep(guardPollMs, undefined, { signal })
    }
    return await ask()
  }

  async #run(unit: string, command: readonly string[], more: readonly string[] = []): Promise<void> {
    const kept = ['PATH', 'LOCALE_ARCHIVE'].flatMap(name => {
      const value = process.env[name]
      return value === undefined ? [] : [`--setenv=${name}=${value}`]
    })
    const result = await runProgram(
      'systemd-run',
      [
        '--no-ask-password',
        '--collect',
        '--quiet',
        `--unit=${unit}`,
        '--property=TimeoutStopSec=10s',
        `--property=RuntimeMaxSec=${(activationTimeoutMs * 4) / 1000}`,
        // A machine that is short of memory kills anything but this.
        '--property=OOMScoreAdjust=-900',
        ...kept,
        ...more,
        ...command,
      ],
      { timeoutMs: systemctlTimeoutMs, lines: outputLines },
    )
    if (result.code === 0) return
    // One of this name is there already: it is what was wanted.
    if (/already exists|was already loaded|fragment file/.test(result.errors.join('\n'))) return
    throw new Error(`systemd-run ${unit} ended with code ${result.code}: ${result.errors.join('\n')}`)
  }

  /** What systemd says, also if it refuses one of several names; rejects where it says nothing, which is no answer. */
  async #answer(args: readonly string[]): Promise<ProgramResult> {
    const result = await this.#systemctl(args)
    if (result.code === 0 || (result.code !== null && result.stdout.trim() !== '')) return result
    const reason = result.errors.join('\n').slice(0, 500)
    throw new Error(`systemctl ${args[0]} ended with ${result.signal ?? `code ${result.code}`}: ${reason}`)
  }

  async #systemctl(args: readonly string[]): Promise<ProgramResult> {
    return await runProgram('systemctl', args, { timeoutMs: systemctlTimeoutMs, lines: outputLines })
  }
}

const ignoreMissing = (thrown: unknown) => {
  if (!isMissing(thrown)) throw thrown
}
const rollbackUnit = (entry: JournalEntry) => `thymesh-rollback-${entry.id}`
const guardOf = (attempt: AttemptFolder, action: string) => ['/bin/sh', attempt.guard, action, attempt.directory]
