/** A machine with a kernel and a systemd of its own, emulated by QEMU: it boots by UEFI and a loader, or QEMU loads the kernel. */

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { copyFileSync, existsSync, readFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { until } from '../../e2e/helpers/processes.ts'
import { poll } from '../../helpers/until.ts'
import { LabError } from '../errors.ts'
import type { LabNetwork } from '../network.ts'
import { mustSucceed, type RunResult } from '../run.ts'
import { Qmp } from './qmp.ts'

/** A boot takes 17 to 60 s emulated; beside other tests on two cores, many minutes. */
export const bootPatienceMs = 40 * 60_000
/** A question costs an emulated processor a second. */
export const askPauseMs = 4_000
const execTimeoutMs = 240_000
const firmware = '/usr/share/OVMF'
/** What makes an emulated boot shorter: nothing on the screen, no checks of clocks, no detours against speculation. */
export const quickKernel = [
  ...['systemd.getty_auto=0', 'systemd.show_status=0', 'systemd.gpt_auto=0', 'quiet'],
  ...['no_timer_check', 'tsc=reliable', 'mitigations=off', 'nokaslr', 'audit=0'],
]

/** A kernel that QEMU loads: the machine has neither firmware nor loader to test. */
export interface LoadedKernel {
  readonly kernel: string
  readonly initrd: string
  readonly parameters: readonly string[]
}

export interface BootMachineInit {
  readonly directory: string
  /** The disk with the loader, or what QEMU loads instead. */
  readonly from: { readonly esp: string } | LoadedKernel
  /** The disk with its system. */
  readonly root: string
  /** The disk with the bundled daemon, which is only read. */
  readonly program: string
  readonly network: LabNetwork
  readonly tap: { readonly name: string; readonly address: string; readonly mac: string }
  /** More arguments of QEMU's. */
  readonly more?: readonly string[]
}

export class BootMachine {
  readonly #init: BootMachineInit
  #qemu: ChildProcess | undefined
  #ended: Promise<unknown> = Promise.resolve()
  #hasPower = false
  #agent: Socket | undefined
  #asked = 0
  #answers: AsyncIterator<string> | undefined

  constructor(init: BootMachineInit) {
    this.#init = init
    if (!existsSync(firmware)) {
      throw new LabError('lab-missing', `expected QEMU's firmware in ${firmware}`, {
        hint: 'Install qemu-system-x86 and ovmf: scripts/setup --tests.',
      })
    }
    if ('esp' in init.from) copyFileSync(join(firmware, 'OVMF_VARS_4M.fd'), this.#at('vars.fd'))
  }

  get running(): boolean {
    return this.#qemu !== undefined && this.#qemu.exitCode === null && this.#qemu.signalCode === null
  }

  /** Switches it on; `up` waits until it answers. */
  start(): void {
    this.#hasPower = true
    this.#spawn()
  }

  /** QEMU ends when the machine resets, and begins anew: after an emulated warm reset it does not come up within minutes. */
  #spawn(): void {
    const { network, tap, more = [] } = this.#init
    const argv = [
      ...['qemu-system-x86_64', '-machine', 'q35', '-accel', 'tcg', '-smp', '1', '-m', '768', '-nodefaults'],
      ...['-display', 'none', '-no-reboot', '-serial', 'chardev:console'],
      ...['-chardev', `file,id=console,append=on,path=${this.#at('console.log')}`],
      ...this.#disks(),
      ...['-device', 'virtio-serial', '-chardev', `socket,id=lab,path=${this.#at('agent')},server=on,wait=off`],
      ...['-device', 'virtserialport,chardev=lab,name=lab'],
      ...['-qmp', `unix:${this.#at('qmp')},server=on,wait=off`],
      ...['-netdev', `tap,id=net,ifname=${tap.name},script=no,downscript=no`],
      ...['-device', `virtio-net-pci,netdev=net,mac=${tap.mac},romfile=`],
      ...['-device', 'i6300esb', '-action', 'watchdog=reset', '-device', 'virtio-rng-pci'],
      ...['-smbios', `type=1,serial=${tap.address}`],
      ...more,
    ]
    // Ends with the test process, whatever becomes of that.
    const [command = '', ...args] = network.argv(['setpriv', '--pdeathsig', 'KILL', ...argv])
    this.#qemu = spawn(command, args, { stdio: ['ignore', 'inherit', 'inherit'] })
    this.#ended = once(this.#qemu, 'exit').catch(() => {})
    this.#qemu.once('exit', code => {
      if (!this.#hasPower || code !== 0) return
      this.#hangUp()
      this.#spawn()
    })
  }

  /** What the guest has not flushed is lost with its power, as it would be with a disk's own cache. */
  #disks(): string[] {
    const { from, root, program } = this.#init
    const disk = (file: string, id: string, { drive = '', device = '' } = {}) => [
      ...[
        '-drive',
        `file=${file},if=none,format=raw,id=${id}${drive}`,
        '-device',
        `virtio-blk-pci,drive=${id}${device}`,
      ],
    ]
    const programDisk = disk(program, 'program', { drive: ',readonly=on' })
    const rootDisk = disk(root, 'root')
    if ('esp' in from) {
      const code = ['-drive', `if=pflash,format=raw,readonly=on,file=${firmware}/OVMF_CODE_4M.fd`]
      const variables = ['-drive', `if=pflash,format=raw,file=${this.#at('vars.fd')}`]
      return [...code, ...variables, ...disk(from.esp, 'esp', { device: ',bootindex=0' }), ...rootDisk, ...programDisk]
    }
    // The initrd takes the second disk for the root.
    const loaded = ['-kernel', from.kernel, '-initrd', from.initrd, '-append', from.parameters.join(' ')]
    return [...loaded, ...programDisk, ...rootDisk]
  }

  /** Waits until the machine's systemd runs the agent. */
  async up(limitMs = bootPatienceMs): Promise<void> {
    const answers = async () => this.running && (await this.#ask('true', 30_000).catch(() => undefined)) !== undefined
    if (await poll(answers, { limitMs, everyMs: askPauseMs })) return
    throw new LabError('boot-failed', `expected the machine to answer within ${limitMs} ms:\n${this.consoleTail()}`)
  }

  /** Runs a shell's command line in the machine. */
  async exec(command: string, timeoutMs = execTimeoutMs): Promise<RunResult> {
    return await this.#ask(command, timeoutMs)
  }

  /** What a command that must succeed prints, without the last newline. */
  async must(command: string): Promise<string> {
    return mustSucceed([command], await this.exec(command)).trimEnd()
  }

  /** Waits for something of the machine, also across its reboots. */
  async until<T>(what: string, ask: () => Promise<T | undefined | false>): Promise<T> {
    const asked = () => ask().catch(() => undefined)
    const explain = async () => `${this.consoleTail()}\n${await this.log()}`
    return await until(`the machine ${what}`, asked, { limitMs: bootPatienceMs, everyMs: askPauseMs, explain })
  }

  /** The daemon's last lines of this boot. */
  async log(): Promise<string> {
    const lines = await this.exec(
      'journalctl -b -o cat --no-pager -u thymesh.service | grep -v libp2p | tail -n 40',
    ).catch(() => undefined)
    return lines?.stdout ?? ''
  }

  /** The text of /etc/hello, which tells generations from each other. */
  async hello(): Promise<string> {
    return (await this.exec('cat /etc/hello')).stdout.trim()
  }

  /** Orders to QEMU itself, as soon as it runs. */
  async monitor(): Promise<Qmp> {
    const call = () => Qmp.connect(this.#at('qmp')).catch(() => undefined)
    const qmp = await poll(call, { limitMs: execTimeoutMs, everyMs: 100 })
    return qmp ?? Promise.reject(new LabError('timeout', 'expected the monitor of QEMU to answer'))
  }

  /** Takes the power away. */
  async powerCut(): Promise<void> {
    this.#hasPower = false
    this.#hangUp()
    this.#qemu?.kill('SIGKILL')
    await this.#ended
    this.#qemu = undefined
  }

  /** All that its firmware, loader, kernel and systemd have printed. */
  console(): string {
    const file = this.#at('console.log')
    return existsSync(file) ? readFileSync(file, 'latin1') : ''
  }

  consoleTail(): string {
    return this.console().trim().split('\n').slice(-25).join('\n')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.powerCut()
    await rm(this.#init.directory, { recursive: true, force: true })
  }

  #at(name: string): string {
    return join(this.#init.directory, name)
  }

  #hangUp(): void {
    this.#agent?.destroy()
    this.#agent = undefined
    this.#answers = undefined
  }

  /** One question at a time: a line to the agent, and a line back. */
  async #ask(command: string, timeoutMs: number): Promise<RunResult> {
    const lines = this.#answers ?? (await this.#call())
    const number = ++this.#asked
    this.#agent?.write(`${number} ${Buffer.from(command).toString('base64')}\n`)
    const late = Promise.withResolvers<IteratorResult<string>>()
    const timer = setTimeout(() => late.reject(new LabError('timeout', `no answer to: ${command}`)), timeoutMs)
    try {
      for (;;) {
        const { value, done } = await Promise.race([lines.next(), late.promise])
        if (done) throw new LabError('not-running', 'the machine has hung up')
        const [to = '', code = '', output = ''] = String(value).split(' ')
        // A question that nobody waited for any more may have its answer now.
        if (to !== String(number)) continue
        const stdout = Buffer.from(output, 'base64').toString()
        return { code: Number(code), stdout, stderr: stdout }
      }
    } catch (thrown) {
      this.#hangUp()
      throw thrown
    } finally {
      clearTimeout(timer)
    }
  }

  async #call(): Promise<AsyncIterator<string>> {
    const socket = connect(this.#at('agent'))
    await once(socket, 'connect')
    socket.on('error', () => {})
    this.#agent = socket
    this.#answers = linesOf(socket)
    return this.#answers
  }
}

async function* linesOf(socket: Socket): AsyncGenerator<string> {
  let rest = ''
  for await (const part of socket) {
    const lines = (rest + String(part)).split('\n')
    rest = lines.pop() ?? ''
    yield* lines
  }
}
