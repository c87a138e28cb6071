/** Activates a top level that is in the store and makes it the boot default, or rolls back to the previous one. */

import { setTimeout as sleep } from 'node:timers/promises'
import type { Target } from '../../protocol/encoding/fields.ts'
import { messageOf } from '../../protocol/errors.ts'
import { policyOf } from '../../protocol/release/update-policy.ts'
import type { ReachableMembers } from '../mesh/peers/reachable-members.ts'
import type { Logger } from '../process/log.ts'
import type { NixStore } from '../store/local/nix-store.ts'
import type { ActivationLogs } from './activation-log.ts'
import { BootBlessing } from './bless-boot.ts'
import { bootReason } from './boot-reason.ts'
import { bootsAfterCommit, failureOf, leaveBooted, rebooted, staged } from './booting.ts'
import { beforeDeadline } from './deadline.ts'
import { unitJournals, withFailureLog } from './failure-log.ts'
import { firstEntry } from './first-entry.ts'
import { checkHealth } from './health.ts'
import type { Journal } from './journal.ts'
import { finalStates, type JournalEntry } from './journal-entry.ts'
import {
  blessAgainMs,
  contactTimeoutMs,
  healthPollMs,
  heldPollMs,
  machineStopMs,
  retryPausesMs,
  wellInARow,
} from './limits.ts'
import { requireNeeds } from './needs.ts'
import { withRetries } from './retry.ts'
import type { ActivationSystem } from './system.ts'
import { contactsNeeded, type Event, resume, step } from './transition.ts'
import { UnitWatch } from './unit-health.ts'
import type { WantedSystem } from './wanted-system.ts'

export interface ActivatorComponents {
  system: ActivationSystem
  journal: Pick<Journal, 'read' | 'write' | 'committed'>
  logs: Pick<ActivationLogs, 'keep'>
  store: Pick<NixStore, 'realPath' | 'makeRoot' | 'removeRoot'>
  /** Members that answer now: asked anew, since connections may be dead. */
  contacts: (signal: AbortSignal) => Promise<ReachableMembers>
  log: Logger
}

export interface ActivatorInit {
  /** Where the system lies, if not at `/`. */
  root: string | undefined
  pollMs?: number
  /** Pauses between tries of what the machine could not do for the moment. */
  retryPausesMs?: readonly number[]
  /** The pause between two looks at whether a boot is a good one. */
  blessAgainMs?: number
}

export interface ActivateOptions {
  /** Ends the waiting, not the update: it is taken up again at the next start. */
  signal: AbortSignal
  /** A newer release wants something else, which ends a hold. */
  superseded?: AbortSignal
  /** Before the effect of a state, which waits for it. */
  onState?: (entry: JournalEntry) => void | Promise<void>
}

/** Roots of the garbage collector: what is about to run, and what to go back to. */
const stagedRoot = 'staged'
const previousRoot = 'previous'
const outputTail = 700

export class Activator {
  readonly #components: ActivatorComponents
  readonly #init: Required<ActivatorInit>
  #findings: string[] = []
  /** What is known about the present boot. */
  readonly blessing: BootBlessing

  constructor(components: ActivatorComponents, init: ActivatorInit) {
    this.#components = components
    this.#init = { pollMs: healthPollMs, retryPausesMs, blessAgainMs, ...init }
    const { pollMs, blessAgainMs: againMs } = this.#init
    this.blessing = new BootBlessing(components, { pollMs, againMs })
  }

  /** The running top level, as the machine reports it; nothing if none runs. */
  running(): Promise<string | undefined> {
    return this.#components.system.running()
  }

  /** The top level of the next boot. */
  boots(target: Target): Promise<string | undefined> {
    return this.#components.system.boots(target)
  }

  /** Why a system would be booted instead of switched to; nothing where a switch is enough, or all that is allowed. */
  async bootReason(wanted: WantedSystem): Promise<string | undefined> {
    const found = await bootReason(wanted, this.#components.system)
    return found.refused === undefined ? found.reason : undefined
  }

  /** Throws a NeedsError if the machine lacks a program that the system calls; where nothing is started, none is called. */
  async requireNeeds({ topLevel }: Pick<WantedSystem, 'topLevel'>): Promise<void> {
    const { system, store } = this.#components
    if (system.startsUnits) await requireNeeds(store.realPath(topLevel))
  }

  /** What of the running generation is not in force, a line each. */
  notInForce(): Promise<readonly string[]> {
    return this.#components.system.notInForce()
  }

  /** The journal's entry of the last update; nothing before the first one. */
  last(): Promise<JournalEntry | undefined> {
    return this.#components.journal.read()
  }

  /** Finishes an update that a crash or a reboot interrupted; resolves to the last entry, if there is one. */
  async resume(options: ActivateOptions): Promise<JournalEntry | undefined> {
    const { journal, system } = this.#components
    const entry = await journal.read()
    if (entry === undefined) {
      this.blessing.start(undefined, options.signal)
      return undefined
    }
    const stopped = await system.wasStopped(entry)
    const next = resume(entry, {
      boot: await system.bootId(),
      uptime: await system.uptime(),
      running: await system.running(),
      boots: await system.boots(entry.target),
      decision: await system.decision(entry),
      stopped,
    })
    // The power may have gone between the commit and its end.
    if (next.state === 'committed' && next !== entry) await system.disarm(next)
    if (next !== entry) await journal.write(next)
    if (stopped) await system.markStopped(entry, false)
    const end = await this.#run(next, options)
    this.blessing.start(end, options.signal)
    return end
  }

  /**
   * Switches, looks after the health, waits for confirmation, and commits or goes back; gives the journal's last entry,
   * which says how it ended. Rejects with the signal's reason when that aborts; `resume` then goes on.
   */
  async activate(wanted: WantedSystem, options: ActivateOptions): Promise<JournalEntry> {
    const { journal, store } = this.#components
    const first = await firstEntry(wanted, {
      ...this.#components,
      last: await journal.read(),
      answering: await this.#contacts(options.signal),
      root: this.#init.root,
    })
    this.#findings = []
    this.blessing.stop()
    if (first.state !== 'failed') {
      // The running generation has its own root only from the switch on, and the old one has none after it.
      await store.makeRoot(stagedRoot, wanted.topLevel)
      if (first.old !== undefined) await store.makeRoot(previousRoot, first.old).catch(() => {})
    }
    await journal.write(first)
    const end = await this.#run(first, options)
    this.blessing.start(end, options.signal)
    return end
  }

  async #watch(entry: JournalEntry): Promise<UnitWatch> {
    const { system } = this.#components
    const windowSeconds = policyOf(entry.policy).health.settleSeconds / 2
    const init = { baseline: entry.baseline, output: await system.output(entry), windowSeconds }
    return new UnitWatch(() => system.units(entry.new, entry), init)
  }

  /** Runs the state machine: each state is written to the journal before its effect. */
  async #run(entry: JournalEntry, options: ActivateOptions): Promise<JournalEntry> {
    const { journal, store, system } = this.#components
    let at = entry
    try {
      while (!finalStates.has(at.state)) {
        await options.onState?.(at)
        options.signal.throwIfAborted()
        const [before, event] = await this.#effect(at, options)
        const next = step(before, event)
        await this.#unlessStopping(next, options.signal)
        await this.#again('writing the journal', options.signal, () => journal.write(next))
        at = next
      }
    } catch (thrown) {
      // While it is tested, the stop may be the switch's own doing, and the new daemon may be the one that never comes up.
      // And a machine that reboots for the update stops it on purpose.
      const isOwnDoing = at.state === 'testing' || at.state === 'rebooting'
      if (options.signal.aborted && !isOwnDoing) await system.markStopped(at, true).catch(() => {})
      throw thrown
    }
    // An interrupted update is tried again.
    if (at.state !== 'interrupted') await store.removeRoot(stagedRoot)
    return at
  }

  /** A failure during a shutdown says nothing about the generation: waits for the daemon's own stop instead. */
  async #unlessStopping({ state }: JournalEntry, signal: AbortSignal): Promise<void> {
    if (state !== 'rolling-back' && state !== 'failed') return
    if (!(await this.#components.system.isStopping())) return
    await sleep(machineStopMs, undefined, { signal }).catch(() => {})
    signal.throwIfAborted()
  }

  #again<T>(what: string, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    const { log } = this.#components
    return withRetries(work, { signal, pausesMs: this.#init.retryPausesMs, log, what })
  }

  async #effect(entry: JournalEntry, options: ActivateOptions): Promise<[JournalEntry, Event]> {
    switch (entry.state) {
      case 'staging':
        return [entry, await this.#stage(entry, options.signal)]
      case 'rebooting':
        return [entry, await rebooted(entry, this.#components, options.signal)]
      case 'rolling-back':
        return await this.#rollBack(entry, options.signal)
      case 'held':
        return [entry, await this.#hold(entry, options)]
      case 'committing':
        return [entry, await this.#commit(entry, options.signal)]
      default: {
        const effect = (signal: AbortSignal) =>
          this.#again(`the step ${entry.state}`, signal, () => this.#try(entry, signal))
        const { pollMs } = this.#init
        const { system } = this.#components
        return [entry, await beforeDeadline(system, entry, { signal: options.signal, pollMs }, effect)]
      }
    }
  }

  /** The effects of the states before the deadline. */
  async #try(entry: JournalEntry, signal: AbortSignal): Promise<Event> {
    const { system, log } = this.#components
    const policy = policyOf(entry.policy)
    switch (entry.state) {
      case 'armed':
        await system.arm(entry, Math.max(1, entry.deadline - (await system.uptime())))
        return { type: 'armed' }
      case 'testing': {
        const code = await system.test(entry, signal)
        const output = (await system.output(entry)).trimEnd().slice(-outputTail)
        return { type: 'tested', code, running: await system.running(), output }
      }
      case 'probing': {
        // Units that are still to be started after a boot are not unhealthy.
        if (entry.byBoot !== undefined) await system.bootEnds(signal)
        const options = { signal, pollMs: this.#init.pollMs }
        const watch = await this.#watch(entry)
        const { health, findings } = await checkHealth({ system, log }, policy.health, watch, options)
        this.#findings = findings
        return { type: 'probed', health }
      }
      default: {
        const needed = contactsNeeded(entry)
        while (needed > 0 && (await this.#contacts(signal)).all < needed) {
          await sleep(this.#init.pollMs, undefined, { signal })
        }
        return { type: 'confirmed' }
      }
    }
  }

  async #contacts(signal: AbortSignal): Promise<ReachableMembers> {
    const limited = AbortSignal.any([signal, AbortSignal.timeout(contactTimeoutMs)])
    const answered = await this.#components.contacts(limited).catch(() => ({ all: 0, steady: 0 }))
    signal.throwIfAborted()
    return answered
  }

  #stage(entry: JournalEntry, signal: AbortSignal): Promise<Event> {
    return staged(entry, this.#components, signal, work => this.#again('the stage', signal, work))
  }

  async #commit(entry: JournalEntry, signal: AbortSignal): Promise<Event> {
    const { system } = this.#components
    const decision = await system.decide(entry, 'commit')
    if (decision === 'roll-back') return { type: 'deadline' }
    if (decision === 'hold') await system.decide(entry, 'commit', true)
    try {
      await this.#again('the commit', signal, () => system.commit(entry))
    } catch (thrown) {
      signal.throwIfAborted()
      return failureOf(thrown)
    }
    const { pollMs } = this.#init
    const [running, boots] = [
      await system.running(),
      await bootsAfterCommit(entry, this.#components, { signal, pollMs }),
    ]
    if (running !== entry.new || boots !== entry.new) {
      const message = `expected ${entry.new} to run and to boot, ${running ?? 'nothing'} runs and ${boots ?? 'nothing'} boots`
      return { type: 'failed', code: 'not-running', message: message.slice(0, 1000) }
    }
    await system.disarm(entry)
    for (const what of await system.notInForce()) {
      this.#components.log.warn({ what }, 'part of the generation is not in force')
    }
    return { type: 'committed' }
  }

  /** Runs on, uncommitted, until its units are well or a newer release comes: a reboot brings the old generation. */
  async #hold(entry: JournalEntry, { signal, superseded }: ActivateOptions): Promise<Event> {
    const { system } = this.#components
    if ((await system.decide(entry, 'hold')) === 'roll-back') return { type: 'deadline' }
    await system.disarm(entry)
    const watch = await this.#watch(entry)
    for (let well = 0; ; ) {
      if (superseded?.aborted) return { type: 'superseded' }
      const isWell = await watch.problems().then(
        found => found.length === 0,
        () => false,
      )
      well = isWell ? well + 1 : 0
      if (well >= wellInARow) return { type: 'healed' }
      const either = superseded === undefined ? signal : AbortSignal.any([signal, superseded])
      await sleep(Math.min(heldPollMs, this.#init.pollMs * 10), undefined, { signal: either }).catch(() => {})
      signal.throwIfAborted()
    }
  }

  async #rollBack(entry: JournalEntry, signal: AbortSignal): Promise<[JournalEntry, Event]> {
    const { system, log } = this.#components
    log.warn({ release: entry.release, code: entry.code, reason: entry.message }, 'going back')
    const journals = await this.#watch(entry)
      .then(watch => unitJournals(entry, watch, system))
      .catch(() => [])
    await system.decide(entry, 'roll-back', true)
    const goBack = () =>
      entry.byBoot === undefined ? system.rollBack(entry, signal) : leaveBooted(entry, this.#components, signal)
    await this.#again('going back', signal, goBack).catch((thrown: unknown) => {
      signal.throwIfAborted()
      log.error({ reason: messageOf(thrown) }, 'going back failed')
    })
    await system.disarm(entry)
    const event: Event = {
      type: 'returned',
      running: await system.running(),
      boots: await system.boots(entry.target),
    }
    const about = { findings: this.#findings, journals }
    return [await withFailureLog(entry, about, this.#components), event]
  }
}
