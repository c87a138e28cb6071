/** A machine with a real sshd, and an operator who may log in there: what `thymesh adopt` needs. */

import { execFileSync } from 'node:child_process'
import { appendFileSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { LabFleet } from '../lab/fleet.ts'
import { LabHost } from '../lab/host.ts'
import { currentPackage, sshPackages } from '../package/packages.ts'

export interface Scene extends AsyncDisposable {
  readonly fleet: LabFleet
  readonly host: LabHost
  /** Of ssh: `-o` before each. */
  readonly sshOptions: readonly string[]
  /** The folder with the packages. */
  readonly packages: string
  /** For a user of the machine: `root`, `free` (sudo without a password), `asks` (sudo with the password `open`). */
  destination(user: string): string
  /** Arguments of `thymesh adopt` for this machine. */
  args(user: string, ...more: string[]): string[]
  /** Paths of an adoption that are there. */
  remains(): Promise<string[]>
  /** One more machine, with the same users and keys. */
  another(name: string): Promise<{ readonly host: LabHost; readonly address: string }>
}

const ways = [
  'useradd -m -s /bin/bash free && useradd -m -s /bin/bash asks && echo asks:open | chpasswd',
  'echo "free ALL=(ALL) NOPASSWD: ALL" >/etc/sudoers.d/free && echo "asks ALL=(ALL) ALL" >/etc/sudoers.d/asks',
  'for user in free asks; do mkdir -p /home/$user/.ssh && cp /root/.ssh/authorized_keys /home/$user/.ssh/ && chown -R $user: /home/$user/.ssh; done',
  // What a login prints beside the answer.
  `sed -i '1i echo "Welcome!"; printf "No newline at the end"; echo noise >&2' /home/free/.bashrc`,
  'mount -t tmpfs -o noexec tmpfs /tmp',
].join(' && ')

export async function adoptScene(): Promise<Scene> {
  const packages = await currentPackage()
  const fleet = await LabFleet.create()
  const { operator, network } = fleet
  const at = (name: string) => join(operator.directory, name)
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', at('key')])
  const files = { '/root/.ssh/authorized_keys': readFileSync(at('key.pub'), 'utf8') }
  const hosts: LabHost[] = []
  const another = async (name: string) => {
    const host = await LabHost.create({ name, network, files, packages: sshPackages })
    hosts.push(host)
    await host.boot()
    await host.must(['sh', '-ec', ways])
    await host.must(['systemctl', 'enable', '--now', 'ssh.service'])
    const address = host.link?.address ?? ''
    const key = await host.must(['cat', '/etc/ssh/ssh_host_ed25519_key.pub'])
    appendFileSync(at('known_hosts'), `${address} ${key}\n`)
    return { host, address }
  }
  const end = async () => {
    for (const host of hosts) await host[Symbol.asyncDispose]()
    await fleet[Symbol.asyncDispose]()
  }
  try {
    const { host, address } = await another('kiosk')
    const own = [`IdentityFile=${at('key')}`, `UserKnownHostsFile=${at('known_hosts')}`]
    const sshOptions = [...own, 'IdentitiesOnly=yes', 'GlobalKnownHostsFile=/dev/null', 'IdentityAgent=none']
    const destination = (user: string) => `${user}@${address}`
    const options = sshOptions.flatMap(option => ['--ssh-option', option])
    return {
      ...{ fleet, host, sshOptions, destination, packages },
      args: (user, ...more) => ['adopt', destination(user), '--package', packages, ...options, ...more],
      remains: async () => {
        const places = [
          '/var/lib/thymesh',
          '/var/lib/thymesh-adopt',
          '/etc/thymesh',
          '/usr/bin/thymesh',
          '/usr/lib/thymesh',
        ]
        const { stdout } = await host.exec(['sh', '-c', `ls -d ${places.join(' ')} 2>/dev/null`])
        return stdout.split('\n').filter(line => line !== '')
      },
      another,
      [Symbol.asyncDispose]: end,
    }
  } catch (thrown) {
    await end()
    throw thrown
  }
}
