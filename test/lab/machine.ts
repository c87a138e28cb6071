/** The process side of one machine: systemd-nspawn over an overlay, and its leader, the systemd that is PID 1 inside. */

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { LabError } from './errors.ts'

/** nspawn and its machine are gone a moment after SIGKILL; more means that the kernel holds on to something. */
const DEATH_TIMEOUT_MS = 10_000

export interface MachineOptions {
  /** Unique on this computer, at most 64 characters: the machine's host name. */
  name: string
  /** The root that is only read. */
  base: string
  /** Directories of the overlay: what the machine wrote, the kernel's own, and the mount point. */
  upper: string
  work: string
  root: string
  /** File that takes what the machine prints on its console. */
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
for dir in $LAB_CGROUPS; do echo $$ >"$dir/cgroup.procs"; done
mount -t overlay overlay -o "lowerdir=$LAB_BASE,upperdir=$LAB_UPPER,workdir=$LAB_WORK" "$LAB_ROOT"
set -- unshare --pid --fork --kill-child --mount-proc systemd-nspawn "$@"
# nspawn has to be in the machine's network itself: the machine's /sys shows that of who mounts it.
[ -z "$LAB_NETWORK" ] || set -- nsenter --net="$LAB_NETWORK" "$@"
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
    const args = ['--mount', '--propagation', 'private', 'sh', '-c', START, 'sh', ...nspawn, ...own]
    this.#process = spawn('unshare', args, {
      stdio: ['ignore', console, console],
      env: {
        PATH: process.env.PATH,
        LAB_CGROUPS: options.cgroups.join(' '),
        LAB_BASE: options.base,
        LAB_UPPER: options.upper,
        LAB_WORK: options.work,
        LAB_ROOT: options.root,
        LAB_NETWORK: options.network ?? '',
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
    return nspawn === undefined ? undefined : inits(nspawn)[0]
  }

  /** Ends everything in the machine at once. */
  async kill(): Promise<void> {
    // As PID 1 of its namespace nspawn isn't gone before all in it are, and its parent waits for that.
    const nspawn = this.#nspawn()
    if (nspawn === undefined) this.#process.kill('SIGKILL')
    else process.kill(nspawn, 'SIGKILL')
    if (!(await this.endsWithin(DEATH_TIMEOUT_MS))) {
      throw new LabError('timeout', `expected ${this.#options.name} to end within ${DEATH_TIMEOUT_MS} ms of SIGKILL`)
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
    return pid === undefined || !this.running ? undefined : inits(pid)[0]
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

/** The children of `parent` that are PID 1 of a namespace of their own. */
function inits(parent: number): number[] {
  return readdirSync('/proc')
    .filter(name => /^\d+$/.test(name))
    .map(Number)
    .filter(pid => isInit(pid) && new RegExp(`^PPid:\\s${parent}$`, 'm').test(status(pid)))
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
