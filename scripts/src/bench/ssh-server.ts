/** A server of SSH for one measurement: its own keys and port, nothing of the machine's settings. */

import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ensurePrograms, output } from './apt.ts'
import { listening } from './nginx.ts'
import type { Place } from './place.ts'
import { Program } from './program.ts'
import type { Scratch } from './scratch.ts'

const port = 8461

export interface SshServer {
  readonly program: Program
  readonly url: string
  /** For the environment of Nix. */
  readonly options: string
}

/** Runs sshd at a place until the stack is disposed of. */
export async function serveSsh(stack: AsyncDisposableStack, scratch: Scratch, place: Place): Promise<SshServer> {
  await ensurePrograms({ '/usr/sbin/sshd': 'openssh-server', ssh: 'openssh-client' })
  const own = await scratch.folder('sshd')
  for (const key of ['host', 'user']) {
    await output('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(own, key)])
  }
  await writeFile(join(own, 'authorized'), await readFile(join(own, 'user.pub')))
  const settings = {
    Port: port,
    ListenAddress: place.address,
    HostKey: join(own, 'host'),
    AuthorizedKeysFile: join(own, 'authorized'),
    PidFile: 'none',
    // The folder is below /tmp, which everyone may write to.
    StrictModes: 'no',
    UsePAM: 'no',
    PermitRootLogin: 'prohibit-password',
  }
  await writeFile(
    join(own, 'config'),
    Object.entries(settings)
      .map(each => `${each.join(' ')}\n`)
      .join(''),
  )
  await mkdir('/run/sshd', { recursive: true })
  // sshd starts itself anew for each connection, so it wants its whole path.
  const argv = place.argv(['/usr/sbin/sshd', '-D', '-e', '-f', join(own, 'config')])
  const program = stack.use(new Program(argv, { log: join(own, 'log') }))
  await listening(place, port, program, 'sshd')
  const client = { Port: port, StrictHostKeyChecking: 'no', UserKnownHostsFile: '/dev/null', LogLevel: 'ERROR' }
  const options = Object.entries(client).map(([name, value]) => `-o${name}=${value}`)
  return {
    program,
    url: `ssh://root@${place.address}`,
    options: ['-F', '/dev/null', '-i', join(own, 'user'), ...options].join(' '),
  }
}
