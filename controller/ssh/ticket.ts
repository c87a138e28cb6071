/** A device's ticket for forwarded connections and screens: one of the operator's keys signs the device's challenge by `ssh-keygen`. */

import { spawn } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Duplex } from 'node:stream'
import { receiveMessage, sendMessage } from '../../node/access/duplex-messages.ts'
import { proofText } from '../../node/access/key-proof.ts'
import { accepted } from '../../node/access/open-access.ts'
import { temporaryFolder } from '../../node/files/temporary.ts'
import { HintedError, ThymeshError } from '../../protocol/errors.ts'
import { accessVerdictCodec, forwardHelloCodec, forwardNamespace, proofCodec } from '../../protocol/messages/access.ts'
import { sshFingerprint } from '../../protocol/release/ssh-key.ts'
import type { GrantRow, SshTarget } from '../api/schemas/access.ts'
import { noProgram } from './no-program.ts'
import { publicKeys } from './own-keys.ts'

/** How long a device and a person, who may have to touch a token, take at most. */
const ticketMs = 90_000

export interface TicketInit {
  readonly fleetId: string
  /** The peer ID of this controller. */
  readonly controller: string
  readonly grants: readonly GrantRow[]
  readonly target: SshTarget
  readonly user: string
  /** Files of keys; those of the agent and of ~/.ssh, if there are none. */
  readonly identity: readonly string[]
  /** What it is for. */
  readonly right: 'forward' | 'screen' | 'screen:control'
  /** Whether a person at this terminal can give a passphrase. */
  readonly attended: boolean
  /** Opens a stream for forwarding to the device. */
  open(signal: AbortSignal): Promise<Duplex>
}

const verbs = {
  forward: 'forward anything on',
  screen: 'see a screen of',
  'screen:control': 'control a screen of',
} as const

/** Throws the device's refusal, or a HintedError when none of the keys is granted such a thing there, or none can sign here. */
export async function askTicket(init: TicketInit): Promise<Uint8Array> {
  const known = init.grants.filter(grant => mayUse(grant, init))
  const fingerprints = new Set(known.flatMap(({ keys }) => keys.map(({ fingerprint }) => fingerprint)))
  const keys = (await publicKeys(init.identity)).filter(({ line }) => fingerprints.has(sshFingerprint(line)))
  let refusal: unknown
  for (const { line, file } of keys) {
    try {
      return await ticketWith(init, line, file)
    } catch (thrown) {
      if (!(thrown instanceof ThymeshError)) throw thrown
      refusal = thrown
    }
  }
  if (refusal !== undefined) throw refusal
  throw new HintedError(
    'not-granted',
    `none of your keys may ${verbs[init.right]} ${init.target.device} as ${init.user}`,
    {
      hint: 'See `thymesh access list`; give it with `thymesh access grant` and --forward or --may screen, or name the key with --identity.',
    },
  )
}

function mayUse({ counts, users, may, expired }: GrantRow, { target, user, right: of }: TicketInit): boolean {
  const fits = may.some(right => right === of || right.startsWith(`${of}:`))
  return !expired && fits && counts.includes(target.device) && users.includes(user)
}

async function ticketWith(init: TicketInit, key: string, file: string | undefined): Promise<Uint8Array> {
  const { target, user, fleetId, controller, attended } = init
  const signal = AbortSignal.timeout(ticketMs)
  const stream = await init.open(signal)
  stream.on('error', () => {})
  try {
    sendMessage(stream, forwardHelloCodec, { v: 1, ask: { user, key } })
    const { challenge = new Uint8Array() } = accepted(await receiveMessage(stream, accessVerdictCodec, signal), user)
    const about = { fleet: fleetId, device: target.peer, controller, user, challenge }
    sendMessage(stream, proofCodec, { signature: await sign(proofText(about), key, file, attended) })
    const { ticket } = accepted(await receiveMessage(stream, accessVerdictCodec, signal), user)
    if (ticket !== undefined) return ticket
    throw new HintedError('not-understood', 'expected a ticket, got none', { hint: 'Use the version of the device.' })
  } finally {
    stream.destroy()
  }
}

/** Signs by `ssh-keygen`, which asks for a passphrase or a touch on this terminal; without a file by the agent. */
async function sign(text: string, key: string, file: string | undefined, attended: boolean): Promise<string> {
  const folder = await temporaryFolder()
  try {
    const named = file ?? join(folder.path, 'key.pub')
    if (file === undefined) await writeFile(named, `${key}\n`)
    // Nobody is there to be asked: a key with a passphrase fails, and nothing waits.
    const env = { ...process.env, SSH_ASKPASS: 'false', SSH_ASKPASS_REQUIRE: 'force' }
    const child = spawn('ssh-keygen', ['-Y', 'sign', '-n', forwardNamespace, '-f', named], {
      stdio: ['pipe', 'pipe', attended ? 'inherit' : 'ignore'],
      // An agent that is forwarded over a lost link never answers.
      timeout: ticketMs,
      ...(!attended && { env }),
    })
    child.stdin?.on('error', () => {})
    child.stdin?.end(text)
    const parts: Buffer[] = []
    child.stdout?.on('data', (part: Buffer) => parts.push(part))
    const code = await new Promise<number | null>((resolve, reject) => {
      child.once('error', error => reject(noProgram('ssh-keygen', error)))
      child.once('close', resolve)
    })
    if (code === 0) return Buffer.concat(parts).toString()
    throw new HintedError('not-signed-by-key', `ssh-keygen could not sign with ${file ?? 'the key of the agent'}`, {
      hint: attended
        ? 'Read what it said above: is the key there, and the passphrase right?'
        : 'If the key has a passphrase, give it to your agent (ssh-add), and start the controller where that agent is.',
    })
  } finally {
    await folder.remove()
  }
}
