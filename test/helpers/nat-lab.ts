/** An Internet in network namespaces: hosts on it, and routers with NAT and a firewall of nftables that hide others. */

import { Namespace } from '../lab/network.ts'
import { mustRun } from '../lab/run.ts'
import { DelayLine } from './delay-line.ts'

const timeoutMs = 60_000
/** Addresses for documentation (RFC 5737): nobody takes them for a private network. */
const internet = '198.51.100'

/** A router's NAT: one port for all destinations, or another for each. `none` is a firewall alone. */
export type NatRule = 'easy' | 'hard' | 'none'

const rules: Record<NatRule, string> = {
  easy: 'oifname "wan" masquerade;',
  hard: 'oifname "wan" masquerade fully-random;',
  none: '',
}

/** Where a program runs. */
export interface NatPlace {
  readonly address: string
  argv(argv: readonly string[]): string[]
}

export class NatLab {
  readonly #internet: Namespace
  readonly #all: Namespace[]
  readonly #lines: DelayLine[] = []
  #hosts = 1
  #routers = 0

  private constructor(namespace: Namespace) {
    this.#internet = namespace
    this.#all = [namespace]
  }

  static async create(): Promise<NatLab> {
    const namespace = await Namespace.create()
    const lab = new NatLab(namespace)
    await bridge(namespace, 'lan', `${internet}.1`)
    return lab
  }

  /** A host that everybody can dial. */
  async host(): Promise<NatPlace> {
    const namespace = await this.#namespace()
    const address = this.#nextAddress()
    await cable(namespace, 'eth0', address, {
      to: this.#internet,
      port: `port${this.#hosts}`,
      gateway: `${internet}.1`,
    })
    return { address, argv: argv => namespace.argv(argv) }
  }

  /** A router at the end of a slow line to the Internet. */
  async farRouter(rule: NatRule, delayMs: number): Promise<NatRouter> {
    const { namespace, lan, port, address } = await this.#newRouter()
    const ends = {
      from: { namespace: this.#internet, device: port },
      to: { namespace, device: 'wan' },
    }
    this.#lines.push(await DelayLine.lay({ ...ends, delayMs }))
    await namespace.ip('address', 'add', `${address}/32`, 'dev', 'wan')
    await namespace.ip('link', 'set', 'wan', 'up')
    await namespace.ip('route', 'add', 'default', 'dev', 'wan')
    await this.#internet.ip('link', 'set', port, 'up')
    await this.#internet.ip('route', 'add', `${address}/32`, 'dev', port)
    // The line carries no Ethernet: the Internet answers on its bridge for who is at the far end.
    await write(this.#internet, '/proc/sys/net/ipv4/ip_forward', '1')
    await write(this.#internet, '/proc/sys/net/ipv4/conf/lan/proxy_arp', '1')
    return await this.#finished(namespace, { lan, address, rule })
  }

  /** A router on the Internet, or in the network of another router. */
  async router(rule: NatRule, behind?: NatRouter): Promise<NatRouter> {
    const { namespace, lan, port, address } = await this.#newRouter(behind)
    const up =
      behind === undefined
        ? { to: this.#internet, gateway: `${internet}.1` }
        : { to: behind.namespace, gateway: behind.lan(1) }
    await cable(namespace, 'wan', address, { ...up, port })
    return await this.#finished(namespace, { lan, address, rule })
  }

  /** An address of the Internet that nobody has yet. */
  nextAddress(): string {
    return this.#nextAddress()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#lines.map(line => line.end()))
    await Promise.all(this.#all.map(namespace => namespace.end()))
  }

  async #newRouter(behind?: NatRouter) {
    const namespace = await this.#namespace()
    this.#routers += 1
    const address = behind === undefined ? this.#nextAddress() : behind.nextAddress()
    return { namespace, lan: `192.168.${this.#routers}`, port: `wan${this.#routers}`, address }
  }

  async #finished(
    namespace: Namespace,
    { lan, address, rule }: { lan: string; address: string; rule: NatRule },
  ): Promise<NatRouter> {
    await bridge(namespace, 'lan', `${lan}.1`)
    await write(namespace, '/proc/sys/net/ipv4/ip_forward', '1')
    const router = new NatRouter(namespace, { lan, address, attach: () => this.#namespace() })
    await router.filter(rule)
    return router
  }

  #nextAddress(): string {
    this.#hosts += 1
    return `${internet}.${this.#hosts}`
  }

  async #namespace(): Promise<Namespace> {
    const namespace = await Namespace.create()
    this.#all.push(namespace)
    await namespace.ip('link', 'set', 'lo', 'up')
    return namespace
  }
}

export class NatRouter {
  readonly namespace: Namespace
  /** Its address outside. */
  address: string
  readonly #lan: string
  readonly #attach: () => Promise<Namespace>
  #hosts = 1

  constructor(namespace: Namespace, init: { lan: string; address: string; attach: () => Promise<Namespace> }) {
    this.namespace = namespace
    this.#lan = init.lan
    this.address = init.address
    this.#attach = init.attach
  }

  /** A host in its network. */
  async host(): Promise<NatPlace> {
    const namespace = await this.#attach()
    const address = this.nextAddress()
    await cable(namespace, 'eth0', address, { to: this.namespace, port: `port${this.#hosts}`, gateway: this.lan(1) })
    return { address, argv: argv => namespace.argv(argv) }
  }

  nextAddress(): string {
    this.#hosts += 1
    return this.lan(this.#hosts)
  }

  lan(number: number): string {
    return `${this.#lan}.${number}`
  }

  /** Sets its NAT, and a firewall that lets in only answers, and what comes to `open`, a host and its port. */
  async filter(rule: NatRule, open?: { address: string; port: number }): Promise<void> {
    const forward = open && `iifname "wan" ip daddr ${open.address} tcp dport ${open.port} accept;`
    const target = open && `iifname "wan" tcp dport ${open.port} dnat to ${open.address}:${open.port};`
    await nft(
      this.namespace,
      `flush ruleset
      table ip nat {
        chain before { type nat hook prerouting priority -100; ${target ?? ''} }
        chain after { type nat hook postrouting priority 100; ${rules[rule]} }
      }
      table ip filter {
        chain forward { type filter hook forward priority 0; policy drop;
          ct state established,related accept; iifname "lan" accept; ${forward ?? ''} }
        chain input { type filter hook input priority 0; policy accept; iifname "wan" ct state { new, invalid } drop; }
      }`,
    )
  }

  /** Forgets connections that were silent for so long, as strict firewalls do; then their packets are dropped. */
  async forgetAfter(seconds: number): Promise<void> {
    const folder = '/proc/sys/net/netfilter'
    await write(this.namespace, `${folder}/nf_conntrack_tcp_timeout_established`, String(seconds))
    await write(this.namespace, `${folder}/nf_conntrack_tcp_loose`, '0')
  }

  /** Gets another address outside, as a dial-up line does; what it had translated is lost. */
  async move(address: string): Promise<void> {
    await this.namespace.ip('address', 'flush', 'dev', 'wan')
    await this.namespace.ip('address', 'add', `${address}/24`, 'dev', 'wan')
    await this.namespace.ip('route', 'add', 'default', 'via', `${internet}.1`)
    this.address = address
  }
}

async function bridge(namespace: Namespace, name: string, address: string): Promise<void> {
  await namespace.ip('link', 'add', name, 'type', 'bridge', 'mcast_snooping', '0')
  await namespace.ip('address', 'add', `${address}/24`, 'dev', name)
  await namespace.ip('link', 'set', name, 'up')
}

async function cable(
  from: Namespace,
  name: string,
  address: string,
  { to, port, gateway }: { to: Namespace; port: string; gateway: string },
): Promise<void> {
  await to.ip('link', 'add', port, 'type', 'veth', 'peer', 'name', name, 'netns', String(from.pid))
  await to.ip('link', 'set', port, 'master', 'lan', 'up')
  await from.ip('address', 'add', `${address}/24`, 'dev', name)
  await from.ip('link', 'set', name, 'up')
  await from.ip('route', 'add', 'default', 'via', gateway)
}

async function write(namespace: Namespace, file: string, text: string): Promise<void> {
  const argv = namespace.argv(['sh', '-c', 'echo "$1" >"$0"', file, text])
  await mustRun(argv, { timeoutMs, env: process.env })
}

async function nft(namespace: Namespace, input: string): Promise<void> {
  await mustRun(namespace.argv(['nft', '-f', '-']), { timeoutMs, env: process.env, input })
}
