/** The machine of a trial of a NixOS config: QEMU with a disk of its own. What happens inside is known by its device's reports. */

import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { mkdir, stat, statfs } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { equalBytes } from '../../protocol/encoding/hash.ts'
import { bootOf, failedUnitsOf } from './guest-journal.ts'
import { mayUseKvm, orderQemu, startQemu } from './qemu.ts'
import { copyDisk, DiskError, putToken } from './qemu-disk.ts'
import { RehearsalError } from './rehearsal-error.ts'
import type { ThrowawayFleet } from './throwaway-fleet.ts'

const pollMs = 200
/** QEMU listens a moment after it was started; a loaded computer lets it wait. */
const startMs = 120_000
/** A machine that hears its keyboard is on its way down by then. */
const keysMs = 30_000
/** A machine that has not started everything by then never will: something in it waits. */
const startedMs = 900_000
/** Questions without an answer after which a device has no journal that it shows. */
const silentTries = 5
/** Lines of the journal that hold one boot. */
const journalLines = 3_000
/** The device measures itself once a minute. */
const sampleMs = 150_000
/** A kiosk's browser needs more than a daemon. */
const memoryMegabytes = 2048

export interface QemuMachineInit {
  /** The start script. */
  readonly program: string
  readonly config: string
  /** The folder of the trial. */
  readonly directory: string
  readonly fleet: Pick<ThrowawayFleet, 'hasJoined' | 'isCalled' | 'journal' | 'metricsPage' | 'report'>
}

export class QemuMachine {
  readonly #init: QemuMachineInit
  /** Its folder. */
  readonly place: string
  #qemu: ChildProcess | undefined
  #ended: Promise<unknown> = Promise.resolve()
  #hasPower = false
  #emulated = false
  /** The daemon that ran before the machine was started last, by its reports. */
  #before: Uint8Array | undefined
  /** When the whole trial ends, by performance.now(). */
  deadline = Number.POSITIVE_INFINITY

  private constructor(init: QemuMachineInit, place: string) {
    this.#init = init
    this.place = place
  }

  /** Makes its disk; it is off. Throws a RehearsalError. */
  static async make(init: QemuMachineInit, { name, token }: { name: string; token: string }): Promise<QemuMachine> {
    const place = join(init.directory, 'vm')
    await mkdir(place)
    const disk = join(place, `${init.config}.img`)
    await copyDisk(init.program, place).catch(notMade)
    await requireRoom(disk)
    await putToken(disk, { token, name, site: null }).catch(notMade)
    return new QemuMachine(init, place)
  }

  /** Why it is emulated; nothing where it runs by KVM. */
  async switchOn(): Promise<string | undefined> {
    const mayKvm = await mayUseKvm()
    if (mayKvm && (await this.#comesOn())) return undefined
    this.#emulated = true
    if (await this.#comesOn()) return mayKvm ? 'KVM does not work here' : 'there is no /dev/kvm for this user'
    throw broken(`QEMU ended as soon as it was started:\n${this.consoleTail()}`)
  }

  /** Switches it on, if it is off, and waits until a daemon calls that has not called before. */
  async boot(): Promise<void> {
    const { fleet } = this.#init
    if (!this.#hasPower && !(await this.#comesOn()))
      throw broken(`QEMU does not start any more:\n${this.consoleTail()}`)
    const calls = () => (fleet.hasJoined ? this.#reports() : fleet.isCalled)
    while (!calls()) {
      if (!this.#hasPower) throw broken(`QEMU has ended:\n${this.consoleTail()}`)
      if (performance.now() > this.deadline) throw broken(`no daemon of the machine called:\n${this.consoleTail()}`)
      await sleep(pollMs)
    }
  }

  /** Whether the daemon of this start has said what runs: its first report may come before it knows. */
  #reports(): boolean {
    const { boot, running } = this.#init.fleet.report() ?? {}
    return running !== undefined && !isSame(boot, this.#before)
  }

  /** The top level that runs, and the one that the next boot brings, by its last report. */
  async generations(): Promise<{ readonly running: string | undefined; readonly boots: string | undefined }> {
    const { running, boots = running } = this.#init.fleet.report() ?? {}
    return { running, boots }
  }

  /** Units that failed in this boot and are not well again, once everything was started; undefined of a machine that doesn't tell. */
  async failedUnits(): Promise<string[] | undefined> {
    const { fleet } = this.#init
    if (!fleet.hasJoined) return undefined
    const end = Math.min(this.deadline, performance.now() + startedMs)
    for (let silent = 0; ; await sleep(10 * pollMs)) {
      const journal = await fleet.journal(journalLines, 'init.scope')
      silent = journal === undefined ? silent + 1 : 0
      const { started, failed } = bootOf(journal ?? '')
      if (!started && silent < silentTries && performance.now() < end) continue
      if (!started && failed.length === 0) return undefined
      return failed.length > 0 && (await this.#stillFail()) ? failed : []
    }
  }

  /** Whether a unit is failed now: the journal tells of those, too, that were well a moment later. */
  async #stillFail(): Promise<boolean> {
    const end = performance.now() + sampleMs
    for (; performance.now() < end; await sleep(10 * pollMs)) {
      const count = failedUnitsOf((await this.#init.fleet.metricsPage()) ?? '')
      if (count === undefined || count > 0) return true
    }
    return false
  }

  /** How far the update to this top level is, by the last report. */
  updateState(topLevel: string): string | undefined {
    const { state, running } = this.#init.fleet.report() ?? {}
    return state === 'running' && running === topLevel ? 'committed' : state
  }

  /** The daemon's last lines; where it doesn't answer, what its console shows. */
  async log(): Promise<string> {
    return (await this.#init.fleet.journal(40, 'thymesh.service')) || this.consoleTail()
  }

  /** Takes the power away: what the machine has not flushed to its disk is lost. */
  async powerCut(): Promise<void> {
    this.#before = this.#init.fleet.report()?.boot
    this.#hasPower = false
    this.#qemu?.kill('SIGKILL')
    await this.#ended
  }

  /** Reboots in order: by the keyboard, or by the power button where the machine doesn't heed that. */
  async reboot(): Promise<void> {
    this.#before = this.#init.fleet.report()?.boot
    const pid = this.#qemu?.pid ?? 0
    const ended = this.#ended
    await orderQemu(pid, 'ctrl-alt-delete')
    if (!(await endsBy(ended, performance.now() + keysMs))) await orderQemu(pid, 'system_powerdown')
    if (!(await endsBy(ended, this.deadline))) throw broken(`it did not go down to reboot:\n${this.consoleTail()}`)
    await this.boot()
  }

  consoleTail(): string {
    const file = join(this.place, 'screen.log')
    return existsSync(file) ? readFileSync(file, 'latin1').trim().split('\n').slice(-20).join('\n') : ''
  }

  /** Starts QEMU; whether its monitor answers, or it has ended before. */
  async #comesOn(): Promise<boolean> {
    const child = this.#spawn()
    for (const end = performance.now() + startMs; performance.now() < end; await sleep(pollMs)) {
      if (await orderQemu(child.pid ?? 0, 'query-status')) return true
      if (child.exitCode !== null || child.signalCode !== null) return false
    }
    await this.powerCut()
    return false
  }

  /**
   * QEMU ends when the machine is reset or has shut down, and begins anew, as a machine does whose power stays: after a warm
   * reset, an emulated one does not come up within minutes.
   */
  #spawn(): ChildProcess {
    const { program } = this.#init
    const about = { program, place: this.place, memoryMegabytes, emulated: this.#emulated }
    const child = startQemu({ ...about, more: ['-no-reboot'], outlivesUs: false })
    this.#qemu = child
    this.#hasPower = true
    this.#ended = once(child, 'exit').catch(() => {})
    child.once('exit', code => {
      if (this.#qemu !== child || !this.#hasPower) return
      if (code === 0) this.#spawn()
      else this.#hasPower = false
    })
    return child
  }
}

/** Throws where the disk can't grow to its whole size: QEMU would stop the machine, and nobody could tell why. */
async function requireRoom(disk: string): Promise<void> {
  const [{ size, blocks }, { bavail, bsize }] = [await stat(disk), await statfs(disk)]
  const [needs, free] = [size - blocks * 512, bavail * bsize]
  if (free < needs) throw noRoom(`expected ${megabytes(needs)} MiB free for its disk, found ${megabytes(free)}`)
}

const megabytes = (bytes: number) => Math.ceil(bytes / (1 << 20))

function notMade(thrown: unknown): never {
  if (!(thrown instanceof DiskError)) throw thrown
  if (thrown.code === 'disk-full') throw noRoom(thrown.message)
  throw new RehearsalError('try-needs', `the machine's disk could not be made: ${thrown.message}`, {
    hint: thrown.hint,
    cause: thrown,
  })
}

function noRoom(why: string): RehearsalError {
  return new RehearsalError('try-needs', `there is no room for the machine: ${why}`, {
    hint: 'Make room, or set TMPDIR to a folder on a larger disk. Nothing of it is left.',
  })
}

function broken(words: string): RehearsalError {
  return new RehearsalError('try-broken', words, {
    hint: 'Read what it printed: is QEMU there, and its firmware? Look whether this computer has memory and disk left, then try again.',
  })
}

function isSame(a: Uint8Array | undefined, b: Uint8Array | undefined): boolean {
  return a === undefined || b === undefined ? a === b : equalBytes(a, b)
}

async function endsBy(ended: Promise<unknown>, end: number): Promise<boolean> {
  const late = new AbortController()
  // Timers take no more than 2^31 ms.
  const ms = Math.min(Math.max(0, end - performance.now()), 2 ** 31 - 1)
  const isLate = sleep(ms, false, { signal: late.signal }).catch(() => false)
  const has = await Promise.race([ended.then(() => true), isLate])
  late.abort()
  return has
}
