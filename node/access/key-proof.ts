/** The proof that a controller holds a granted key: a signature by `ssh-keygen -Y sign` on a challenge, so FIDO keys can give it. */

import { spawn } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { forwardNamespace } from '../../protocol/messages/access.ts'
import { temporaryFolder } from '../files/temporary.ts'
import { verifyMs } from './limits.ts'

/** The daemon's own path need not have OpenSSH. */
const path = () => [process.env.PATH, '/run/current-system/sw/bin', '/usr/bin:/bin'].filter(Boolean).join(':')

export interface ProofAbout {
  readonly fleet: string
  /** Peer IDs of the device and of the controller. */
  readonly device: string
  readonly controller: string
  readonly user: string
  readonly challenge: Uint8Array
}

/** What is signed: it counts on this device, for this controller and user, and once. */
export function proofText({ fleet, device, controller, user, challenge }: ProofAbout): string {
  return [forwardNamespace, fleet, device, controller, user, Buffer.from(challenge).toString('hex'), ''].join('\n')
}

/** Whether the signature is by this key. The program of OpenSSH reads it, in a process of its own. */
export async function isProof(
  key: string,
  about: ProofAbout,
  signature: string,
  { timeoutMs = verifyMs }: { timeoutMs?: number } = {},
): Promise<boolean> {
  const folder = await temporaryFolder({ inMemory: true })
  try {
    const [allowed, file] = [join(folder.path, 'allowed'), join(folder.path, 'signature')]
    await writeFile(allowed, `granted namespaces="${forwardNamespace}" ${key}\n`)
    await writeFile(file, signature)
    const args = ['-Y', 'verify', '-f', allowed, '-I', 'granted', '-n', forwardNamespace, '-s', file]
    return await new Promise<boolean>((resolve, reject) => {
      const child = spawn('ssh-keygen', args, {
        stdio: ['pipe', 'ignore', 'ignore'],
        timeout: timeoutMs,
        // One that hangs may not hear of anything milder.
        killSignal: 'SIGKILL',
        env: { PATH: path() },
      })
      child.once('error', reject)
      child.once('close', code => resolve(code === 0))
      child.stdin.on('error', () => {})
      child.stdin.end(proofText(about))
    })
  } finally {
    await folder.remove()
  }
}
