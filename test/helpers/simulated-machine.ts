/** A machine in memory for the activator: it can lose its daemon or its power at any step, and its guard acts by itself. */

import type { JournalEntry } from '../../node/activation/journal-entry.ts'
import { SwitchError } from '../../node/activation/switch-error.ts'
import type { ActivationSystem } from '../../node/activation/system.ts'
import type { Decision } from '../../node/activation/transition.ts'
import { testUnit } from './unit-state.ts'

/** The daemon is gone, or all power. */
export class Crash extends Error {}

export type Fault = 'daemon' | 'power' | 'daemon-past-deadline'

/** How the new generation behaves. */
export interface Behaviour {
  /** What `switch-to-configuration test` ends with; 1 changes nothing, null is killed halfway. */
  code: number | null
  /** A unit of it fails. */
  unitFails: boolean
  /** Members answer while it runs. */
  reachable: boolean
  /** `boot` fails. */
  commitFails: boolean
  /** It is booted, not switched to. */
  needsBoot?: boolean
  /** A boot of it comes to nothing, or to a machine without its daemon, which the guard then reboots, or to one that runs no generation. */
  boot?: 'hangs' | 'no-daemon' | 'starts-nothing'
  /** What its switch prints. */
  prints?: string
  /** The loader counts boots, and the one that runs was the last try: it passes the entry over until that boot is called a good one. */
  lastTry?: boolean
}

export class SimulatedMachine implements ActivationSystem {
  readonly hasGuard = true
  readonly startsUnits = true
  readonly old: string | undefined
  readonly new: string
  #behaviour: Behaviour
  runs: string | undefined
  bootsNext: string | undefined
  decided: Decision | undefined
  journal: JournalEntry | undefined
  #lastCommitted: JournalEntry | undefined
  /** Probes of units find them down. */
  down = false
  /** How often a probe asked. */
  asks = 0
  /** The machine goes down. */
  stopping = false
  stopped = false
  /** So many commits fail, since the machine lacks something for the moment. */
  lacking = 0
  /** A boot was called a good one. */
  blessed = false
  /** The switch takes all power down with it. */
  diesTesting = false
  /** Everything that the world has been, for invariants. */
  readonly history: { boots: string | undefined; decided: Decision | undefined }[] = []
  /** The loader has the new generation as its default. */
  #committed = false
  /** Looks at what boots until a blessing takes effect: systemd renames the entry by itself. */
  #looksLeft = 2
  /** What the next boot starts, only that one. */
  staged: string | undefined
  /** The deadline of what was staged, after its boot. */
  #guarded: number | undefined
  #dead = false
  #boot = 1
  #uptime = 100
  #deadline: number | undefined
  #crash: { after: number; fault: Fault; late: boolean } | undefined

  constructor(init: { old: string | undefined; new: string; behaviour: Behaviour }) {
    this.old = init.old
    this.new = init.new
    this.#behaviour = init.behaviour
    this.runs = init.old
    this.bootsNext = init.old
  }

  /** The next crash comes so many steps from now, before the step's effect or (`late`) after it. */
  crashAfter(after: number, fault: Fault, late: boolean): void {
    this.#crash = { after, fault, late }
  }

  noMoreCrashes(): void {
    this.#crash = undefined
  }

  /** Whether the daemon's questions to other members are answered. */
  get reachable(): boolean {
    return this.runs !== this.new || this.#behaviour.reachable
  }

  /** Whether a deadline still holds, of this boot or of one to come. */
  get isGuarded(): boolean {
    return this.#guarded !== undefined
  }

  /** The new generation's fault is over. */
  behave(behaviour: Behaviour): void {
    this.#behaviour = behaviour
  }

  /** A new daemon, after a crash. */
  revive(): void {
    this.#dead = false
  }

  async #step<T>(effect: () => T): Promise<T> {
    // A daemon that is gone does nothing more, whatever it would make of the error.
    if (this.#dead) throw new Crash('dead')
    const crash = this.#crash
    const now = crash !== undefined && crash.after-- <= 0
    if (now && !crash.late) this.#fail(crash.fault)
    const result = effect()
    this.history.push({ boots: this.bootsNext, decided: this.decided })
    if (now) this.#fail(crash.fault)
    return result
  }

  #fail(fault: Fault): never {
    this.#crash = undefined
    this.#dead = true
    if (fault === 'power') this.#start()
    else if (fault === 'daemon-past-deadline' && this.#deadline !== undefined) {
      this.#pass(this.#deadline + 1)
    }
    throw new Crash(fault)
  }

  /** The machine starts: what was staged is booted once. */
  #start(): void {
    this.#boot += 1
    this.#uptime = 0
    this.#deadline = undefined
    this.runs = this.staged ?? this.bootsNext
    this.staged = undefined
    if (this.runs !== this.new || this.#guarded === undefined) return
    const { boot } = this.#behaviour
    this.#deadline = this.#guarded
    if (boot === 'starts-nothing') {
      this.runs = undefined
      return
    }
    if (boot === 'no-daemon') {
      this.decided ??= 'roll-back'
      if (this.decided !== 'roll-back') return
    }
    // A person takes its power, or the guard reboots it.
    if (boot !== undefined && this.runs !== this.bootsNext) this.#start()
  }

  /** The deadline comes while no daemon runs. */
  passDeadline(): void {
    if (this.#deadline !== undefined) this.#pass(this.#deadline)
  }

  /** Time goes by: at the deadline the guard decides, unless that was done. */
  #pass(uptime: number): void {
    this.#uptime = Math.max(uptime, this.#uptime)
    if (this.#deadline === undefined || this.#uptime < this.#deadline) return
    this.#deadline = undefined
    this.decided ??= 'roll-back'
    if (this.decided !== 'roll-back') return
    if (this.#guarded !== undefined && this.runs === this.new) this.#start()
    else this.runs = this.old
  }

  read = () => this.#step(() => this.journal)
  write = (entry: JournalEntry) =>
    this.#step(() => {
      this.journal = entry
      if (entry.state === 'committed') this.#lastCommitted = entry
    })
  committed = () => this.#step(() => this.#lastCommitted)

  bootId = () => this.#step(() => String(this.#boot))
  uptime = async () => {
    this.#pass(this.#uptime + 1)
    return this.#uptime
  }
  running = () => this.#step(() => this.runs)
  boots = () =>
    this.#step(() => {
      if (this.#committed && this.blessed && this.#looksLeft-- <= 0) this.bootsNext = this.new
      return this.bootsNext
    })
  units = async () =>
    this.runs === this.new && this.#behaviour.unitFails
      ? [testUnit('bad.service', { active: 'failed', sub: 'failed' })]
      : []
  unitIsActive = async () => {
    this.asks++
    return !this.down
  }
  arm = (_entry: JournalEntry, seconds: number) =>
    this.#step(() => {
      this.decided = undefined
      this.stopped = false
      this.#deadline = this.#uptime + seconds
    })
  disarm = () =>
    this.#step(() => {
      this.#deadline = undefined
      this.#guarded = undefined
    })
  rebootNeed = async () =>
    this.#behaviour.needsBoot ? { reason: 'the kernel changed', refusesSwitch: false } : undefined
  stage = (entry: JournalEntry) =>
    this.#step(() => {
      if (this.lacking-- > 0) throw new SwitchError('interrupted', 'No space left on device')
      this.decided = undefined
      this.stopped = false
      this.#guarded = entry.policy?.confirm?.deadlineSeconds ?? 50
      this.staged = this.new
    })
  unstage = () =>
    this.#step(() => {
      this.staged = undefined
      this.#guarded = undefined
      this.#committed = false
      if (this.bootsNext === this.new && this.old !== undefined) this.bootsNext = this.old
    })
  reboot = async (): Promise<never> =>
    this.#step(() => {
      // A crash that is still to come comes after it.
      const crash = this.#crash
      try {
        return this.#fail('power')
      } finally {
        this.#crash = crash
      }
    })
  bootEnds = async () => {}
  test = () =>
    this.#step(() => {
      if (this.diesTesting) this.#fail('power')
      if (this.decided !== 'roll-back' && this.#behaviour.code !== 1) this.runs = this.new
      return this.#behaviour.code
    })
  rollBack = () =>
    this.#step(() => {
      this.#committed = false
      this.runs = this.old
      if (this.bootsNext === this.new) this.bootsNext = this.old
    })
  commit = () =>
    this.#step(() => {
      if (this.lacking-- > 0) throw new SwitchError('interrupted', 'No space left on device')
      if (this.#behaviour.commitFails) throw new SwitchError('switch-failed', 'the boot loader was not installed')
      this.#committed = true
      if (!this.#behaviour.lastTry) this.bootsNext = this.new
    })
  decide = (_entry: JournalEntry, wanted: Decision, force = false) =>
    this.#step(() => {
      if (force || this.decided === undefined) this.decided = wanted
      return this.decided
    })
  decision = async () => this.decided
  isStopping = async () => this.stopping
  markStopped = async (_entry: JournalEntry, stopped: boolean) => {
    this.stopped = stopped
  }
  wasStopped = async () => this.stopped
  blessBoot = async () => {
    this.blessed = true
  }
  output = async () => this.#behaviour.prints ?? ''
  notInForce = async () => []
  journalOf = async () => ''
}
