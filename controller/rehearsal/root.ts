/** The root that a trial's machine boots from: this computer's own programs, without its settings; or a directory. */

import { randomUUID } from 'node:crypto'
import {
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import type { Overlay } from './machine.ts'
import { RehearsalError } from './rehearsal-error.ts'

export interface TrialRoot {
  readonly root: string
  readonly overlays: readonly Overlay[]
  /** Where a file has to be put before the first boot, for the machine to see it at `path`. */
  place(path: string): string
}

/** What programs need of /etc to run at all; nothing that says what this computer does. */
const etc = [
  ...['alternatives', 'ld.so.conf', 'ld.so.conf.d', 'ld.so.cache', 'nsswitch.conf', 'pam.d', 'pam.conf', 'security'],
  ...['login.defs', 'ssl/certs', 'ssl/openssl.cnf', 'ca-certificates', 'os-release', 'dbus-1', 'profile', 'shells'],
  ...['services', 'protocols', 'debian_version', 'pki/tls/certs', 'pki/ca-trust/extracted', 'crypto-policies'],
]
const links = ['bin', 'sbin', 'lib', 'lib32', 'lib64']
const empty = ['proc', 'sys', 'dev', 'run', 'tmp', 'root', 'nix', 'opt', 'home', 'mnt', 'var/lib', 'var/log/journal']

/** The highest number of an account of the system, by login.defs(5)'s default; people are above. */
const maxSystemId = 999
const nobodyId = 65_534

/** Makes it in `directory`. Throws a RehearsalError where nothing bootable is there. */
export function makeRoot(directory: string, name: string, base: string | undefined): TrialRoot {
  const made = rootIn(directory, base)
  if (base === undefined) fillOwnRoot(made)
  for (const each of [made.root, ...made.overlays.flatMap(({ upper, work }) => [upper, work])]) {
    mkdirSync(each, { recursive: true })
  }
  for (const [path, text] of Object.entries({
    '/etc/hostname': `${name}\n`,
    '/etc/machine-id': `${randomUUID().replaceAll('-', '')}\n`,
  })) {
    mkdirSync(dirname(made.place(path)), { recursive: true })
    writeFileSync(made.place(path), text)
  }
  return made
}

/** Where the parts of such a root are, made before or not. */
export function rootIn(directory: string, base: string | undefined): TrialRoot {
  const root = join(directory, 'root')
  const [upper, work] = [join(directory, base === undefined ? 'usr' : 'upper'), join(directory, 'work')]
  if (base !== undefined) {
    return { root, overlays: [{ lower: base, upper, work, at: root }], place: path => join(upper, path) }
  }
  return {
    root,
    overlays: [{ lower: '/usr', upper, work, at: join(root, 'usr') }],
    place: path => (path.startsWith('/usr/') ? join(upper, path.slice('/usr/'.length)) : join(root, path)),
  }
}

/** Throws unless a machine can boot from this directory; `hasNix` where it gets Nix from elsewhere. */
export function requireBootable(base: string, hasNix = false): void {
  if (/[,:]/.test(base)) throw noRoot(`expected a directory without commas and colons in its name, got ${base}`)
  const systemd = ['usr/lib/systemd/systemd', 'lib/systemd/systemd'].some(each => existsSync(join(base, each)))
  if (!systemd) throw noRoot(`expected ${base} to hold a distribution with systemd, found no usr/lib/systemd/systemd`)
  if (base === '/' && !isLink('/bin')) throw noRoot('expected /bin to be a link to usr/bin, as distributions have it')
  if (!hasNix && !existsSync(join(base, 'usr/bin/nix'))) {
    throw noRoot(
      `expected Nix in ${join(base, 'usr/bin/nix')} or in this computer's Nix store: the machine has a store of its own`,
    )
  }
}

function noRoot(words: string): RehearsalError {
  return new RehearsalError('try-root', words, {
    hint: 'Make one, and name it: debootstrap --include=systemd,systemd-sysv,dbus,nix-bin,libdbi-perl bookworm DIR, then --root DIR.',
  })
}

/** Beside this computer's /usr: an /etc in which nothing is enabled. */
function fillOwnRoot({ root }: TrialRoot): void {
  for (const each of [...empty, 'usr', 'etc']) mkdirSync(join(root, each), { recursive: true })
  for (const name of links) if (isLink(`/${name}`)) symlinkSync(readlinkSync(`/${name}`), join(root, name))
  for (const name of etc) {
    const from = join('/etc', name)
    if (!existsSync(from)) continue
    mkdirSync(dirname(join(root, from)), { recursive: true })
    cpSync(from, join(root, from), { recursive: true, verbatimSymlinks: true })
  }
  for (const [name, text] of Object.entries(accounts())) writeFileSync(join(root, 'etc', name), text, { mode: 0o644 })
}

/** The system's accounts, so that programs find theirs; nobody has a password, and no person is there. */
function accounts(): Record<string, string> {
  const lines = (file: string) => readFileSync(join('/etc', file), 'utf8').split('\n')
  const isSystem = (line: string) => {
    const id = Number(line.split(':')[2])
    return line !== '' && (id <= maxSystemId || id === nobodyId)
  }
  const users = lines('passwd').filter(isSystem)
  const groups = lines('group')
    .filter(isSystem)
    .map(line => line.split(':').slice(0, 3).join(':'))
  const names = (from: readonly string[]) => from.map(line => line.split(':')[0] ?? '')
  return {
    passwd: `${users.join('\n')}\n`,
    group: `${groups.map(line => `${line}:`).join('\n')}\n`,
    shadow: `${names(users)
      .map(name => `${name}:*:19000:0:99999:7:::`)
      .join('\n')}\n`,
    gshadow: `${names(groups)
      .map(name => `${name}:*::`)
      .join('\n')}\n`,
  }
}

function isLink(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() ?? false
}
