/** A device's ticket for a command: what it takes is asked of the controller that runs already, or of an own one. */

import type { SshTarget } from '../../api/schemas/access.ts'
import { askTicket, type TicketInit } from '../../ssh/ticket.ts'
import type { Access } from './access.ts'

export interface CommandTicket extends Pick<TicketInit, 'user' | 'identity' | 'right'> {
  readonly target: SshTarget
  /** Seconds to try to reach the device. */
  readonly wait: number
}

/** Throws what `askTicket` throws. */
export async function forwardTicket(access: Access, { wait, ...init }: CommandTicket): Promise<Uint8Array> {
  const { grants } = await access.ask('access', {}, 0)
  const { fleetId, controller } = await access.ask('sshTargets', {}, 0)
  const open = () => access.openStream({ device: init.target.device, wait })
  return await askTicket({ ...init, fleetId, controller, grants, attended: true, open })
}
