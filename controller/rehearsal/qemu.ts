/** NixOS machines in QEMU, by the start script that Nix builds (the image `vm` of a config): starting it, and orders to it. */

import { type ChildProcess, spawn } from 'node:child_process'
import { constants } from 'node:fs'
import { access } from 'node:fs/promises'
import { connect } from 'node:net'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

/** A loaded computer's QEMU answers in seconds. */
const answerMs = 60_000

const keeper = fileURLToPath(new URL('./run-qemu.sh', import.meta.url))

/** Whether this user may ask the kernel for KVM; whether it works is seen when it is used. */
export async function mayUseKvm(): Promise<boolean> {
  return await access('/dev/kvm', constants.R_OK | constants.W_OK).then(
    () => true,
    () => false,
  )
}

/** The command line that runs a machine, in its folder. `program`: the start script. */
export function qemuArgv(program: string): string[] {
  return ['sh', keeper, program]
}

export interface QemuBounds {
  readonly memoryMegabytes: number
  /** 2 if nothing is said. */
  readonly processors?: number
  /** Without KVM. */
  readonly emulated: boolean
  /** More of QEMU's own arguments. */
  readonly more?: readonly string[]
}

/** What that command line is told beside it. */
export function qemuEnvironment({
  memoryMegabytes,
  processors = 2,
  emulated,
  more = [],
}: QemuBounds): Record<string, string> {
  return {
    THYMESH_VM_MEMORY: String(memoryMegabytes),
    THYMESH_VM_PROCESSORS: String(processors),
    THYMESH_VM_EMULATED: emulated ? 'yes' : '',
    QEMU_OPTS: ['-qmp', 'unix:qmp.sock,server=on,wait=off', ...more].join(' '),
  }
}

export interface QemuStart extends QemuBounds {
  /** The start script. */
  readonly program: string
  /** The machine's folder: its disk, and the firmware's variables. Its console is kept in `screen.log` there. */
  readonly place: string
  /** Whether it goes on when this process ends. */
  readonly outlivesUs: boolean
}

/** Starts QEMU: the process that is started becomes QEMU itself. */
export function startQemu({ program, place, outlivesUs, ...bounds }: QemuStart): ChildProcess {
  const [shell = '', ...args] = qemuArgv(program)
  return spawn(shell, args, {
    ...{ cwd: place, detached: outlivesUs, stdio: 'ignore' },
    env: { PATH: process.env.PATH, ...qemuEnvironment(bounds) },
  })
}

/** What QEMU's monitor is asked for. */
export type QemuOrder = 'query-status' | 'system_powerdown' | 'ctrl-alt-delete'

const keys = ['ctrl', 'alt', 'delete'].map(data => ({ type: 'qcode', data }))
const orders: Readonly<Record<QemuOrder, object>> = {
  'query-status': { execute: 'query-status' },
  system_powerdown: { execute: 'system_powerdown' },
  'ctrl-alt-delete': { execute: 'send-key', arguments: { keys } },
}

/** An order to the monitor (QMP) of the QEMU with this process ID, and whether it was taken; not before it listens. */
export async function orderQemu(pid: number, order: QemuOrder): Promise<boolean> {
  // A path that is short enough for a socket, whatever the folder is called.
  const socket = connect(`/proc/${pid}/cwd/qmp.sock`)
  socket.on('error', () => {})
  const timer = setTimeout(() => socket.destroy(), answerMs)
  try {
    socket.write(`{"execute":"qmp_capabilities"}\n${JSON.stringify(orders[order])}\n`)
    let answers = 0
    for await (const line of createInterface({ input: socket })) {
      if (line.startsWith('{"return"')) answers += 1
      if (answers === 2) return true
      if (line.startsWith('{"error"')) return false
    }
    return false
  } catch {
    return false
  } finally {
    clearTimeout(timer)
    socket.destroy()
  }
}
