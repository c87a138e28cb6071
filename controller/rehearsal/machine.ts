/** The process side of one machine: systemd-nspawn over overlays, and its leader, the systemd that is PID 1 inside. */

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { runProgram } from '../../node/process/run-program.ts'
import { RehearsalError } from './rehearsal-error.ts'

/** nspawn and its machine are gone a moment after SIGKILL; more means that the kernel holds on to something. */
const DEATH_TIMEOUT_MS = 10_000
/** A loaded machine's systemd may take seconds to answer. */
const ASK_TIMEOUT_MS = 60_000

/** Where programs of a machine are. */
export const insidePath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

/** A directory that is only read, with what the machine writes beside it: paths without commas and colons. */
export interface Overlay {
  readonly lower: string
  /** What the machine wrote. */
  readonly upper: string
  /** The kernel's own, on the same file system. */
  readonly work: string
  readonly at: string
}

export interface MachineOptions {
  /** Unique on this computer, at most 64 characters: the machine's host name. */
  name: string
  /** The directory of its root, once the overlays are mounted. */
  root: string
  /** What is mounted before it starts, in this order. */
  overlays: readonly Overlay[]
  /** File that takes what the machine prints as it boots. */
  consoleLog: string
  cgroups: readonly string[]
  /** The file of the network namespace to be in; without one the machine has a loopback device only. */
  network: string | undefined
  /** More arguments for systemd-nspawn. */
  nspawn: readonly string[]
}

/**
 * Joins the groups, mounts the root, starts nspawn. Mounts are in a mount namespace that only these processes have, so
 * they go with the last of them. nspawn is PID 1 of a PID namespace, since a killed nspawn leaves its machine running:
 * the kernel ends all in the namespace with it, it ends with the process started here, and that with the test process.
 */
const START = `set -e
for dir in $MACHINE_CGROUPS; do echo $$ >"$dir/cgroup.procs"; done
while [ "$1" != -- ]; do mount -t overlay overlay -o "$1" "$2"; shift 2; done
shift
set -- unshare --pid --fork --kill-child --mount-proc systemd-nspawn "$@"
# nspawn has to be in the machine's network itself: the machine's /sys shows that of who mounts it.
[ -z "$MACHINE_NETWORK" ] || set -- nsenter --net="$MACHINE_NETWORK" "$@"
exec setpriv --pdeathsig KILL "$@"`

/** A machine from its power-on to its end; a new one is made for each power-on. */
export class Machine {
  readonly #options: MachineOptions
  readonly #process: ChildProcess
  readonly #ended: Promise<unknown>

  constructor(options: MachineOptions) {
    this.#options = options
    const console = openSync(options.consoleLog, 'a')
    const nspawn = ['--register=no', '--keep-unit', '-q', '--settings=no', '--resolv-conf=off', '--timezone=off']
    const network = options.network ? '--network-namespace-path=/proc/self/ns/net' : '--private-network'
    const own = ['--link-journal=no', network, '-D', options.root, `--machine=${options.name}`, ...options.nspawn, '-b']
    const mounts = options.overlays.flatMap(({ lower, upper, work, at }) => [
      `lowerdir=${lower},upperdir=${upper},workdir=${work}`,
      at,
    ])
    const args = ['--mount', '--propagation', 'private', 'sh', '-c', START, 'sh', ...mounts, '--', ...nspawn, ...own]
    this.#process = spawn('unshare', args, {
      stdio: ['ignore', console, console],
      env: {
        PATH: process.env.PATH,
        MACHINE_CGROUPS: options.cgroups.join(' '),
        MACHINE_NETWORK: options.network ?? '',
      },
    })
    closeSync(console)
    this.#ended = once(this.#process, 'exit').catch(() => {})
  }

  get running(): boolean {
    return this.#process.pid !== undefined && this.#process.exitCode === null && this.#process.signalCode === null
  }

  /** The outer PID of the machine's systemd; undefined while it isn't there. */
  leader(): number | undefined {
    const nspawn = this.#nspawn()
    return nspawn === undefined ? undefined : initsOf(nspawn)[0]
  }

  /** The command line that runs a program in the machine; nothing while it is off. */
  argv(program: readonly string[]): string[] | undefined {
    const leader = this.leader()
    return leader === undefined ? undefined : argvIn(leader, program)
  }

  /** What its systemd says of itself; `started` once it has started everything, failed units included. */
  async bootState(): Promise<BootState> {
    return await bootStateOf(this.leader())
  }

  /** Ends everything in the machine at once. */
  async kill(): Promise<void> {
    // As PID 1 of its namespace nspawn isn't gone before all in it are, and its parent waits for that.
    const nspawn = this.#nspawn()
    if (nspawn === undefined) this.#process.kill('SIGKILL')
    else process.kill(nspawn, 'SIGKILL')
    if (!(await this.endsWithin(DEATH_TIMEOUT_MS))) {
      throw new RehearsalError(
        'try-broken',
        `expected ${this.#options.name} to end within ${DEATH_TIMEOUT_MS} ms of SIGKILL`,
        {
          hint: 'Look for a file system that hangs: its processes wait for the kernel.',
        },
      )
    }
    // Nspawn removes it itself only when it ends in order.
    rmSync(`/run/systemd/nspawn/propagate/${this.#options.name}`, { recursive: true, force: true })
  }

  /** The end of the machine's console, for messages. */
  consoleTail(): string {
    return readFileSync(this.#options.consoleLog, 'utf8').trim().split('\n').slice(-15).join('\n')
  }

  #nspawn(): number | undefined {
    const { pid } = this.#process
    return pid === undefined || !this.running ? undefined : initsOf(pid)[0]
  }

  /** Whether the machine is off by then. */
  async endsWithin(timeoutMs: number): Promise<boolean> {
    const late = Promise.withResolvers<void>()
    const timer = setTimeout(late.resolve, timeoutMs)
    await Promise.race([this.#ended, late.promise])
    clearTimeout(timer)
    return !this.running
  }
}

export interface BootState {
  readonly started: boolean
  readonly state: string
}

/** What the systemd with this outer PID says of itself; `started` once it has started everything, failed units included. */
export async function bootStateOf(leader: number | undefined): Promise<BootState> {
  if (leader === undefined) return { started: false, state: 'no systemd yet' }
  const [program = '', ...args] = argvIn(leader, ['systemctl', 'is-system-running'])
  const env = { PATH: insidePath }
  const ended = await runProgram(program, args, { timeoutMs: ASK_TIMEOUT_MS, lines: 5, env }).catch(() => undefined)
  const state = (ended?.stdout || ended?.errors.join(' ') || 'no answer').trim()
  return { started: state === 'running' || state === 'degraded', state }
}

/** The command line that runs a program in the machine whose systemd has this outer PID. */
export function argvIn(leader: number, program: readonly string[]): string[] {
  return ['nsenter', '-t', String(leader), '-a', '--', ...program]
}

/** The children of `parent` that are PID 1 of a namespace of their own. */
export function initsOf(parent: number): number[] {
  return childrenOf(parent).filter(isInit)
}

export function childrenOf(parent: number): number[] {
  const isChild = new RegExp(`^PPid:\\s${parent}$`, 'm')
  return readdirSync('/proc')
    .filter(name => /^\d+$/.test(name))
    .map(Number)
    .filter(pid => isChild.test(status(pid)))
}

/** Whether `pid` is PID 1 of a namespace below this one, by proc_pid_status(5)'s list of its PIDs, outermost first. */
function isInit(pid: number): boolean {
  return /^NSpid:.*\t1$/m.test(status(pid))
}

function status(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/status`, 'utf8')
  } catch {
    return '' // it ended between the listing and the look
  }
}
