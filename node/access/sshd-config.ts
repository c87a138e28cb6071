/** What sshd of one session is told: its settings, and the keys with what each may do. */

import { join } from 'node:path'
import type { KeyRights } from '../../protocol/release/access.ts'
import { loginSeconds } from './limits.ts'

export interface SessionFiles {
  /** The folder that they are in. */
  readonly directory: string
  readonly user: string
  readonly rights: ReadonlyMap<string, KeyRights>
  /** Whether the account can only be let in by PAM, since its password is locked. */
  readonly pam: boolean
  /** The program for files, for keys that may not do all; undefined if there is none. */
  readonly sftpServer: string | undefined
}

/** Where an exec finds programs before a profile says more: NixOS's, the distribution's, those of the config. */
const path = [
  '/run/wrappers/bin',
  '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  '/run/current-system/sw/bin:/nix/var/nix/profiles/default/bin',
].join(':')

/**
 * The settings. Versions from 8.2 on know all of them: one that sshd doesn't know would end it. Anything that isn't named in
 * a grant is off.
 */
export function sshdConfig({ directory, user, rights, pam }: SessionFiles): string {
  const may = [...rights.values()].map(each => each.may)
  const forwards = may.some(each => each.some(right => right.startsWith('forward:tcp:')))
  const sockets = may.some(each => each.some(right => right.startsWith('forward:unix:')))
  return lines([
    `HostKey ${join(directory, 'host_key')}`,
    `AuthorizedKeysFile ${join(directory, 'authorized_keys')}`,
    // The folder is ours alone, whatever is above it.
    'StrictModes no',
    'AuthorizedKeysCommand none',
    'AuthorizedPrincipalsCommand none',
    'TrustedUserCAKeys none',
    `AllowUsers ${user}`,
    'AuthenticationMethods publickey',
    'PubkeyAuthentication yes',
    'PasswordAuthentication no',
    'ChallengeResponseAuthentication no',
    'HostbasedAuthentication no',
    'KerberosAuthentication no',
    'GSSAPIAuthentication no',
    'PermitEmptyPasswords no',
    'PermitRootLogin prohibit-password',
    `UsePAM ${pam ? 'yes' : 'no'}`,
    'PermitUserEnvironment no',
    'PermitUserRC no',
    'AllowAgentForwarding no',
    `AllowTcpForwarding ${forwards ? 'local' : 'no'}`,
    `AllowStreamLocalForwarding ${sockets ? 'local' : 'no'}`,
    'GatewayPorts no',
    'PermitTunnel no',
    'X11Forwarding no',
    'PrintMotd no',
    'PrintLastLog no',
    'AcceptEnv LANG LC_* COLORTERM',
    // The user's shell starts the script of a recorded session, and must read nothing of theirs before it.
    `SetEnv PATH=${path}${isRecorded(rights) ? ` HOME=${directory}` : ''}`,
    `LoginGraceTime ${loginSeconds}`,
    'MaxAuthTries 20',
    // Two programs in one recording could not be told apart.
    `MaxSessions ${isRecorded(rights) ? 1 : 10}`,
    'ClientAliveInterval 30',
    'ClientAliveCountMax 3',
    'UseDNS no',
    'PidFile none',
    'LogLevel VERBOSE',
    'Subsystem sftp internal-sftp',
  ])
}

/** Whether the session of one of these keys would be recorded. */
export function isRecorded(rights: ReadonlyMap<string, KeyRights>): boolean {
  return [...rights.values()].some(({ record }) => record)
}

/** A line for each key: it may do nothing but what its grants say. */
export function authorizedKeys({ directory, rights, sftpServer }: SessionFiles): string {
  const recorded = isRecorded(rights)
  const optionsFor = (each: KeyRights) => optionsOf(each, directory, sftpServer, recorded).join(',')
  return lines([...rights].map(([key, each]) => `${optionsFor(each)} ${key}`))
}

function optionsOf(
  { may, record }: KeyRights,
  directory: string,
  sftpServer: string | undefined,
  recorded: boolean,
): string[] {
  const options = ['restrict']
  // A command is recorded with a terminal only.
  if (may.includes('shell') || (record && may.includes('exec'))) options.push('pty')
  const targets = may.flatMap(right => permitted(right))
  if (targets.length > 0) options.push('port-forwarding', ...targets.map(each => `permitopen="${each}"`))
  const [shell, exec, files] = (['shell', 'exec', 'files'] as const).map(right => may.includes(right))
  const allowed = [shell && 'shell', exec && 'exec', files && sftpServer !== undefined && 'files'].filter(Boolean)
  if (record) return [...options, `command="/bin/sh ${join(directory, 'recorded')} ${allowed.join(' ')}"`]
  // Beside a key that is recorded, the others are given their home back by the script.
  if (shell && exec && files && !recorded) return options
  if (files && !shell && !exec && !recorded) return [...options, 'command="internal-sftp"']
  return [...options, `command="/bin/sh ${join(directory, 'session')} ${allowed.join(' ')}"`]
}

/**
 * What `permitopen` says for a right: a loopback address is also called localhost. A Unix socket is a host of any port whose
 * name is the path: sshd looks for a socket among the hosts, and the brackets keep the path's slashes.
 */
function permitted(right: string): string[] {
  if (right.startsWith('forward:unix:')) return [`[${right.slice('forward:unix:'.length)}]:*`]
  if (!right.startsWith('forward:tcp:')) return []
  const target = right.slice('forward:tcp:'.length)
  const port = target.slice(target.lastIndexOf(':') + 1)
  return /^(?:127\.0\.0\.1|\[::1\]):/.test(target) ? [target, `localhost:${port}`] : [target]
}

const onlyGranted = (user: string) => [
  `HOME=~${user}; export HOME`,
  '# Does what the grant allows, in words of the command line, and refuses the rest.',
  'may() { for right in $allowed; do [ "$right" != "$1" ] || return 0; done; echo "thymesh: not granted: $1" >&2; exit 126; }',
  'allowed=$*',
]

/** Started for keys that may not do all of shell, exec and files. */
export function sessionScript(sftpServer: string | undefined, user: string): string {
  return lines([
    '#!/bin/sh',
    ...onlyGranted(user),
    'case $SSH_ORIGINAL_COMMAND in',
    '  "") may shell; exec "$SHELL" -l ;;',
    `  internal-sftp*) may files; exec ${sftpServer ?? 'false'} ;;`,
    '  *) may exec; exec "$SHELL" -c "$SSH_ORIGINAL_COMMAND" ;;',
    'esac',
  ])
}

/**
 * Started for keys whose sessions are recorded: script(1) writes what the terminal shows into the session's pipe. Without a
 * terminal only files go, of which sftp-server writes down each one. What can't be recorded is refused.
 */
export function recordedScript(sftpServer: string | undefined, user: string): string {
  return lines([
    '#!/bin/sh',
    ...onlyGranted(user),
    // biome-ignore lint/suspicious/noTemplateCurlyInString: a variable of the shell
    'pipe=${0%/*}/output',
    'refuse() { echo "thymesh: sessions of this grant are recorded: $1" >&2; exit 126; }',
    'case $SSH_ORIGINAL_COMMAND in',
    `  internal-sftp*) may files; exec ${sftpServer ?? 'false'} -e -l INFO 2>"$pipe" ;;`,
    '  "") may shell; command=\'exec "$SHELL" -l\' ;;',
    '  *) may exec; command=$SSH_ORIGINAL_COMMAND ;;',
    'esac',
    '[ -t 0 ] || refuse "a command needs a terminal (ssh -t)"',
    'script=$(command -v script) || refuse "install script(1) on the device, of util-linux or bsdutils"',
    'exec "$script" --quiet --flush --return --command "$command" "$pipe"',
  ])
}

function lines(all: readonly string[]): string {
  return `${all.join('\n')}\n`
}
