/** Whether a unit is well: it runs where it is wanted, is not failed, and is not in a crash loop. */

/** A unit's state, as systemd reports it. */
export interface UnitState {
  readonly name: string
  /** LoadState: `loaded`, or why systemd can't use the unit's file, such as `bad-setting`. */
  readonly load: string
  /** ActiveState, such as `active` or `failed`. */
  readonly active: string
  /** SubState, such as `running` or `auto-restart`. */
  readonly sub: string
  /** NRestarts: how often systemd has restarted it by itself since somebody last started it. */
  readonly restarts: number
  /** Seconds since its main process was started; nothing where there was none. */
  readonly age: number | undefined
  /** Whether it was started since the machine booted. */
  readonly started: boolean
  /** Whether one of its conditions kept it from starting, which is no failure. */
  readonly skipped: boolean
  /** Whether a target that is reached wants or requires it. */
  readonly wanted: boolean
  /** InvocationID: changes with every start; empty before the first one. */
  readonly invocation: string
}

export interface UnitProblem {
  readonly unit: string
  readonly reason: string
}

/** These end by themselves when their work is done. */
const endsByItself = /\.(?:service|timer|scope)$/

/**
 * Why a unit is not well; nothing when it is. A restart in the last `windowSeconds` counts as a crash loop: with half of
 * the settling time for a window, each loop of at most that half is found, and a unit that needs a few starts at the
 * beginning is not.
 */
export function unitProblem(unit: UnitState, windowSeconds: number): string | undefined {
  if (unit.active === 'failed') return 'failed'
  if (unit.sub.startsWith('auto-restart')) return 'ended, and waits to be restarted'
  if (unit.restarts > 0 && unit.age !== undefined && unit.age < windowSeconds) {
    return `restarts over and over: ${unit.restarts} times so far`
  }
  if (!unit.wanted || unit.load === 'masked' || unit.skipped) return undefined
  if (unit.load !== 'loaded') return `is wanted, but systemd can't use its file: ${unit.load}`
  if (unit.active !== 'inactive') return undefined
  if (!unit.started) return 'is wanted, but was not started'
  return endsByItself.test(unit.name) ? undefined : 'is wanted, but is not active'
}

/** Units whose start or restart systemd has refused, by what switch-to-configuration printed: ours, and that of NixOS. */
export function refusedUnits(output: string): string[] {
  const refused = /^(?:refused (\S+)|Failed to (?:start|restart) (\S+): .*)$/gm
  return [...output.matchAll(refused)].flatMap(([, ours, nixos]) => ours ?? nixos ?? [])
}

export interface UnitWatchInit {
  /** Units that were not well before the update. */
  baseline: readonly string[]
  /** The output of the switch. */
  output: string
  windowSeconds: number
}

/** Follows the units of a machine from the end of a switch on. */
export class UnitWatch {
  readonly #ask: () => Promise<readonly UnitState[]>
  readonly #init: UnitWatchInit
  /** Units that the switch could not start or restart, with their invocations at the first look. */
  #refused: Map<string, string> | undefined

  constructor(ask: () => Promise<readonly UnitState[]>, init: UnitWatchInit) {
    this.#ask = ask
    this.#init = init
  }

  /** Units that are not well now, and were before the update. */
  async problems(): Promise<UnitProblem[]> {
    const units = await this.#ask()
    this.#refused ??= this.#firstLook(units)
    const { baseline, windowSeconds } = this.#init
    return units
      .filter(({ name }) => !baseline.includes(name))
      .flatMap(unit => {
        const reason = unitProblem(unit, windowSeconds) ?? this.#refusal(unit)
        return reason === undefined ? [] : [{ unit: unit.name, reason }]
      })
      .sort((a, b) => (a.unit < b.unit ? -1 : 1))
  }

  #firstLook(units: readonly UnitState[]): Map<string, string> {
    const names = new Set(refusedUnits(this.#init.output))
    return new Map(units.filter(({ name }) => names.has(name)).map(({ name, invocation }) => [name, invocation]))
  }

  #refusal({ name, invocation, skipped }: UnitState): string | undefined {
    const isSame = this.#refused?.get(name) === invocation
    return isSame && !skipped ? 'systemd refused to start or restart it' : undefined
  }
}
