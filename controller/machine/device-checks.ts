/** What a device needs, each with the next step: systemd, a membership, the daemon, a port, peers, room and time. */

import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { findSshd } from '../../node/access/sshd-program.ts'
import { exists, unlessMissing } from '../../node/files/missing.ts'
import { defaultPort } from '../../node/settings/defaults.ts'
import { size } from '../format/table.ts'
import { type Check, well, wrong } from './check.ts'
import { daemonProgram } from './daemon-program.ts'
import type { System } from './system.ts'

/** What the checks read of the daemon's settings. */
export interface DeviceSettings {
  readonly state: string
  readonly listen?: readonly string[] | undefined
  readonly bootstrap?: readonly string[] | undefined
  readonly clock?: string | undefined
}

/** An update of some size, and the generation before it. */
const leastBytes = 1_000_000_000
const unit = 'thymesh.service'

export async function deviceChecks(system: System, settings: DeviceSettings): Promise<Check[]> {
  const { root } = system
  const hasSystemd = await exists(join(root, 'run/systemd/system'))
  const hasJoined = await exists(join(root, settings.state, 'identity.key'))
  const active = hasSystemd && (await system.run('systemctl', ['is-active', unit]))?.code === 0
  const sockets = await socketsOf(root)
  return [
    hasSystemd
      ? well('systemd', 'systemd runs')
      : wrong(
          'systemd',
          'expected systemd to run, it does not',
          'A device needs systemd: it starts what a release declares.',
        ),
    hasJoined
      ? well('membership', 'this machine has joined a fleet')
      : wrong(
          'membership',
          'this machine has joined no fleet yet',
          'On the laptop: thymesh token --names NAME. Here, as root: thymesh join --name NAME.',
        ),
    await daemon(system, active),
    ...(await daemonProgram(system)),
    port(sockets, settings, active),
    peers(sockets, settings, active),
    network(system),
    ...(await room(system, [settings.state, '/nix'])),
    await time(system, settings),
    await access(system),
  ]
}

async function daemon(system: System, active: boolean): Promise<Check> {
  const enabled = (await system.run('systemctl', ['is-enabled', unit]))?.code === 0
  if (active && enabled) return well('daemon', 'it runs, and starts with the machine')
  const next = `Run: systemctl enable --now ${unit}. If it fails, journalctl -u thymesh says why.`
  if (active) return wrong('daemon', 'it runs, and does not start with the machine', next)
  return wrong('daemon', `expected ${unit} to run, it does not${enabled ? '' : ' and is not enabled'}`, next)
}

interface Sockets {
  readonly listening: ReadonlySet<number>
  readonly connected: readonly (readonly [own: number, others: number])[]
}

/** TCP sockets, as proc(5) tells of them: `sl local_address rem_address st …`, in hex. */
async function socketsOf(root: string): Promise<Sockets> {
  const tables = await Promise.all(
    ['proc/net/tcp', 'proc/net/tcp6'].map(
      async name => (await unlessMissing(readFile(join(root, name), 'utf8'))) ?? '',
    ),
  )
  const rows = [
    ...tables.join('\n').matchAll(/^\s*\d+: [0-9A-F]+:([0-9A-F]{4}) [0-9A-F]+:([0-9A-F]{4}) ([0-9A-F]{2}) /gm),
  ]
  const ports = rows.map(([, own = '', others = '', state]) => ({
    ...{ own: Number.parseInt(own, 16), others: Number.parseInt(others, 16), state },
  }))
  return {
    listening: new Set(ports.filter(({ state }) => state === '0A').map(({ own }) => own)),
    connected: ports.filter(({ state }) => state === '01').map(({ own, others }) => [own, others] as const),
  }
}

function portsOf(addresses: readonly string[] = []): number[] {
  return addresses.flatMap(address => {
    const found = /\/tcp\/(\d+)/.exec(address)?.[1]
    return found === undefined ? [] : [Number(found)]
  })
}

function ownPort({ listen }: DeviceSettings): number {
  return portsOf(listen)[0] ?? defaultPort
}

function port({ listening }: Sockets, settings: DeviceSettings, active: boolean): Check {
  const own = ownPort(settings)
  const taken = listening.has(own)
  if (active === taken) return well('port', active ? `peers can dial TCP port ${own}` : `TCP port ${own} is free`)
  if (active) {
    const hint = 'Look for "can\'t listen" in journalctl -u thymesh, and give it another port with `listen`.'
    return wrong('port', `expected the daemon to listen at TCP port ${own}, it does not`, hint)
  }
  const hint = `Find it with: ss -tlnp 'sport = :${own}'. End it, or give the daemon another port with \`listen\`.`
  return wrong('port', `another program listens at TCP port ${own}`, hint)
}

function peers({ connected }: Sockets, settings: DeviceSettings, active: boolean): Check {
  const others = new Set([defaultPort, ...portsOf(settings.bootstrap)])
  const count = connected.filter(([own, other]) => own === ownPort(settings) || others.has(other)).length
  if (count > 0) return well('peers', `${count} ${count === 1 ? 'connection' : 'connections'} to peers`)
  if (!active) return well('peers', 'not asked: the daemon does not run')
  return wrong(
    'peers',
    'no peer is connected',
    `Let TCP port ${ownPort(settings)} and UDP port 5353 in, or name a peer that this machine can reach as \`bootstrap\`.`,
  )
}

function network(system: System): Check {
  const [first] = system.addresses()
  if (first !== undefined) return well('network', `an address that others see: ${first}`)
  return wrong(
    'network',
    'no interface has an address',
    'Connect it to a network, or bring releases on a stick: docs/air-gap.md.',
  )
}

/** Also for a laptop's store. */
export async function room(system: System, places: readonly string[]): Promise<Check[]> {
  const found = await Promise.all(
    places.map(async place => [place, await system.free(join(system.root, place))] as const),
  )
  return found.map(([place, free]) => {
    if (free === undefined) return well('disk', `${place} is not there yet`)
    if (free >= leastBytes) return well('disk', `${size(free)} are free at ${place}`)
    const hint = 'Remove what is not needed; nix-collect-garbage removes what no generation uses.'
    return wrong('disk', `expected 1 GB free at ${place}, found ${size(free)}`, hint)
  })
}

async function time(system: System, { clock }: DeviceSettings): Promise<Check> {
  if (clock === 'none') return well('time', 'the clock is not trusted: signed dates count')
  const said = await system.run('timedatectl', ['show', '--property=NTPSynchronized', '--value'])
  if (said?.text === 'yes') return well('time', 'the clock is synchronised')
  return wrong(
    'time',
    'the clock is not synchronised',
    'Run: timedatectl set-ntp true. Without any time source, set "clock": "none" in /etc/thymesh/node.json.',
  )
}

/** Nobody has to be let in: a device without it is in order. */
async function access({ root }: System): Promise<Check> {
  if ((await findSshd(root)) !== undefined) return well('sshd', 'there is one: operators with a grant get in')
  const brings = 'the module remote-access or the package openssh-server brings it'
  return well('sshd', `there is none, so operators get no shell and no files here: ${brings}`)
}
