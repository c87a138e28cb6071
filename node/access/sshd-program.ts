/** Where this machine has sshd, which needs no service and no port, and its program for files. */

import { access, constants, mkdir, readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'

const folders = ['/run/current-system/sw/bin', '/usr/sbin', '/usr/local/sbin', '/usr/bin', '/sbin']
/** Beside sshd in the store; then those of Debian, Fedora and Arch. */
const sftpServers = [
  '../libexec/sftp-server',
  '/usr/lib/openssh/sftp-server',
  '/usr/libexec/openssh/sftp-server',
  '/usr/lib/ssh/sftp-server',
]
/** Where sshd goes to be without any right: Debian's, and that of a package from the store. It refuses to start without it. */
const privilegeFolders = ['/run/sshd', '/var/empty']

export interface SshdProgram {
  readonly sshd: string
  readonly sftpServer: string | undefined
}

/** The program; undefined if there is none. Paths are those below `root`. */
export async function findSshd(root = '/'): Promise<SshdProgram | undefined> {
  const sshd = await firstOf(folders.map(folder => join(root, folder, 'sshd')))
  if (sshd === undefined) return undefined
  const sftpServer = await firstOf(sftpServers.map(place => join(place.startsWith('/') ? root : dirname(sshd), place)))
  return { sshd, sftpServer }
}

/** Makes what sshd's own service would have made. */
export async function prepareSshd(): Promise<void> {
  if (process.getuid?.() !== 0) return
  // Where the disk is read-only, or it is there already, sshd says what it lacks.
  for (const folder of privilegeFolders) await mkdir(folder, { recursive: true, mode: 0o755 }).catch(() => {})
}

/**
 * Whether the password of an account is locked (`!` in shadow(5)): without PAM sshd then refuses keys too. Undefined for a user
 * that the files of this machine don't have.
 */
export async function isLocked(user: string): Promise<boolean | undefined> {
  const field = async (file: string, place: number) => {
    const text = await readFile(file, 'utf8').catch(() => '')
    const line = text.split('\n').find(each => each.startsWith(`${user}:`))
    return line?.split(':')[place]
  }
  if ((await field('/etc/passwd', 0)) === undefined) return undefined
  return (await field('/etc/shadow', 1))?.startsWith('!') === true
}

/** Whether PAM knows sshd: without this file it refuses everybody. */
export async function hasPam(): Promise<boolean> {
  return (await firstOf(['/etc/pam.d/sshd', '/usr/lib/pam.d/sshd'], constants.R_OK)) !== undefined
}

async function firstOf(files: readonly string[], mode: number = constants.X_OK): Promise<string | undefined> {
  for (const file of files) {
    if (
      await access(file, mode).then(
        () => true,
        () => false,
      )
    )
      return file
  }
  return undefined
}
