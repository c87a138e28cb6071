/** What a machine says about itself before anything is done to it. */

import { z } from 'zod'
import { fleetIdSchema } from '../../protocol/encoding/fields.ts'
import { visible } from '../../protocol/encoding/visible.ts'
import { peerIdSchema } from '../../protocol/signing/peer-id.ts'
import { AdoptError } from './adopt-error.ts'
import type { Answer } from './target.ts'

const number = z
  .string()
  .regex(/^\d{1,15}$/)
  .transform(Number)
const yes = z
  .literal('yes')
  .optional()
  .transform(value => value !== undefined)
const word = z
  .string()
  .max(200)
  .transform(text => visible(text, 200))

const factsSchema = z.object({
  /** Of os-release. */
  os: word.default(''),
  like: word.default(''),
  system: word.default(''),
  kernel: word,
  /** As `uname -m` says. */
  machine: word,
  /** As dpkg says; empty where there is none. */
  architecture: word.default(''),
  host: word,
  user: word,
  /** How root is reached: `asks` means that sudo asks for a password. */
  root: z.enum(['yes', 'sudo', 'asks', 'none']),
  systemd: yes,
  container: word.default(''),
  /** The version of Nix; empty for none. */
  nix: word.default(''),
  nixDaemon: yes,
  /** The version of the package; empty for none. */
  thymesh: word.default(''),
  program: word.default(''),
  /** Whether there is a unit thymesh.service, and whether it runs. */
  unit: yes,
  daemon: yes,
  /** Kilobytes. */
  freeVar: number,
  freeUsr: number,
  memory: number,
  /** Seconds since 1970. */
  clock: number,
  port4460: yes,
  /** The address that ssh came from. */
  client: word.default(''),
  /** Of an adoption that has not ended: its device, its fleet, and the device's peer ID once it has joined. */
  adopting: word.optional(),
  adoptingFleet: fleetIdSchema.optional(),
  joined: peerIdSchema.optional(),
})
export type Facts = z.infer<typeof factsSchema>

/** Throws an AdoptError when the machine has not said enough. */
export function parseFacts(answer: Answer): Facts {
  // An empty value is the same as none.
  const said = Object.fromEntries(Object.entries(answer).filter(([, value]) => value !== ''))
  const { data, error } = factsSchema.safeParse(said)
  if (data !== undefined) return data
  const keys = error.issues.map(({ path }) => path.join('.')).join(', ')
  throw new AdoptError(
    'unsupported-system',
    `expected a Linux system that says what it is; missing or wrong: ${keys}`,
    {
      hint: 'Debian, Ubuntu and NixOS can be adopted.',
    },
  )
}
