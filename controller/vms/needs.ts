/** What this computer must have for virtual machines. */

import { lacksForMachines } from '../rehearsal/needs.ts'
import { nixFor } from '../rehearsal/own-store.ts'
import { requireBootable } from '../rehearsal/root.ts'
import { VmError } from './vm-error.ts'

const programs = ['systemd-nspawn', 'unshare', 'nsenter', 'setpriv', 'ip', 'mount', 'mkfs.ext4']

/** Throws a VmError, or a RehearsalError where nothing can be booted from `base`. */
export async function requireContainers(base: string | null): Promise<void> {
  await requirePrograms()
  requireBootable(base ?? '/', (await nixFor(base ?? undefined)) !== undefined)
}

/** Throws a VmError where machines can't be switched on and off here. */
export async function requirePrograms(): Promise<void> {
  const lacking = await lacksForMachines('a virtual machine', programs)
  if (lacking !== undefined) throw new VmError('vm-needs', lacking.words, { hint: lacking.hint })
}
