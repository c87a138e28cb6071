/** The script that a guest's unit runs: it is written anew before each start, since this program may be another one than before. */

import { join } from 'node:path'
import { replaceFile } from '../../node/files/durable-file.ts'
import { exists } from '../../node/files/missing.ts'
import { runProgram } from '../../node/process/run-program.ts'
import { ownProgram } from '../rehearsal/program.ts'
import { mayUseKvm, qemuArgv, qemuEnvironment } from '../rehearsal/qemu.ts'
import type { GuestPlan } from './guest-plan.ts'
import { keeperArgv } from './keeper.ts'
import { commandMs } from './limits.ts'
import type { VmRecord } from './records.ts'

/** Of the device, where systemd-resolved has it; without it, the device's own file. */
const uplinkServers = '/run/systemd/resolve/resolv.conf'

/** A machine as run-vm.sh has it, that is not set going: some kernels refuse only when a processor is made. */
const askKvm = `case $(uname -m) in aarch64) machine=virt ;; *) machine=q35 ;; esac
echo quit | "qemu-system-$(uname -m)" -machine "$machine,accel=kvm" -cpu host -m 64 -S -nodefaults -display none -monitor stdio`

/** `place` is the guest's folder. */
export async function writeStart(place: string, plan: GuestPlan, record: VmRecord): Promise<void> {
  const [argv, env] =
    record.kind === 'container'
      ? [keeperArgv(place, record, thisProgram(record.base), await serversFor(plan)), { VM_CGROUPS: '' }]
      : [qemuArgv(record.program), qemuEnvironment({ ...plan, emulated: !(await kvmWorks()) })]
  const lines = [
    '#!/bin/sh',
    `# Starts ${plan.name}; written by thymesh guest.`,
    `cd ${word(place)}`,
    ...Object.entries(env).map(([name, value]) => `export ${name}=${word(value)}`),
    `exec ${argv.map(word).join(' ')}`,
  ]
  await replaceFile(join(place, 'start.sh'), `${lines.join('\n')}\n`)
}

function thisProgram(base: string | null) {
  const [main = ''] = process.argv.slice(1)
  return ownProgram(main, base === null)
}

/** What systemd-nspawn does about name servers. */
async function serversFor(plan: GuestPlan): Promise<string> {
  if (plan.kind !== 'container' || plan.network === 'device') return 'off'
  return (await exists(uplinkServers)) ? 'replace-uplink' : 'replace-host'
}

/** Whether QEMU can use it: there may be a device of a kernel that refuses. */
async function kvmWorks(): Promise<boolean> {
  if (!(await mayUseKvm())) return false
  const { code } = await runProgram('sh', ['-c', askKvm], { timeoutMs: commandMs, lines: 5 })
  return code === 0
}

function word(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`
}
