/** miniupnpd of Debian on a router of the lab: what many real routers run. Unpacked, not installed: nothing is started on this computer. */

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { mustRun } from '../lab/run.ts'
import type { NatRouter } from './nat-lab.ts'

const timeoutMs = 300_000
const cache = join(import.meta.dirname, '../../.cache/lab/miniupnpd')
/** Addresses for documentation aren't public for it. It is told another one, so each router of the lab lies. */
const saidAddress = '9.9.9.9'

/** The program, downloaded the first time. Needs apt's lists, and libnftnl, which nft has too. */
async function program(): Promise<string> {
  const found = join(cache, 'usr/sbin/miniupnpd')
  if (existsSync(found)) return found
  const making = `${cache}.${process.pid}`
  await mkdir(making, { recursive: true })
  const load =
    'cd "$0" && apt-get -o APT::Sandbox::User=root download miniupnpd-nftables && dpkg-deb -x miniupnpd-nftables_*.deb .'
  await mustRun(['sh', '-c', load, making], { timeoutMs, env: process.env })
  await rename(making, cache).catch(async thrown => {
    await rm(making, { recursive: true })
    if (!existsSync(found)) throw thrown
  })
  return found
}

export class Miniupnpd {
  readonly #child: ChildProcess
  readonly #directory: string
  readonly #router: NatRouter

  private constructor(router: NatRouter, child: ChildProcess, directory: string) {
    this.#router = router
    this.#child = child
    this.#directory = directory
  }

  /** Starts it beside the router's NAT. Without `pcp` it knows only UPnP. */
  static async start(router: NatRouter, { pcp }: { pcp: boolean }): Promise<Miniupnpd> {
    const argv = [await program(), '-d', '-f']
    const directory = await mkdtemp(join(tmpdir(), 'thymesh-miniupnpd-'))
    const file = join(directory, 'conf')
    const lines = [
      ...['ext_ifname=wan', `ext_ip=${saidAddress}`, 'listening_ip=lan', 'http_port=0', 'ipv6_disable=yes'],
      ...['enable_upnp=yes', `enable_natpmp=${pcp ? 'yes' : 'no'}`, 'secure_mode=yes', 'system_uptime=yes'],
      ...['upnp_table_name=upnp', 'upnp_nat_table_name=upnp', 'uuid=00000000-0000-0000-0000-000000000000'],
      'allow 1024-65535 192.168.0.0/16 1024-65535',
    ]
    await writeFile(file, `${lines.join('\n')}\n`)
    await nft(
      router,
      `add rule ip filter forward ct status dnat accept
      table inet upnp {
        chain miniupnpd { }
        chain prerouting_miniupnpd { }
        chain postrouting_miniupnpd { }
        chain prerouting { type nat hook prerouting priority -101; jump prerouting_miniupnpd; }
      }`,
    )
    const pid = join(directory, 'pid')
    const [command = '', ...args] = router.namespace.argv([...argv, file, '-P', pid])
    const child = spawn(command, args, { stdio: ['ignore', 'ignore', 'pipe'] })
    let said = ''
    const listens = new Promise<void>((resolve, reject) => {
      child.stderr?.on('data', chunk => {
        said += chunk
        if (said.includes('HTTP listening on port') && (!pcp || said.includes('NAT-PMP/PCP traffic'))) resolve()
      })
      child.once('exit', code => reject(new Error(`miniupnpd ended with ${code}: ${said}`)))
    })
    await listens
    return new Miniupnpd(router, child, directory)
  }

  /** The ports that it passes on now, as nft has them. */
  async rules(): Promise<string> {
    const argv = this.#router.namespace.argv(['nft', 'list', 'chain', 'inet', 'upnp', 'prerouting_miniupnpd'])
    return await mustRun(argv, { timeoutMs, env: process.env })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const isOver = this.#child.exitCode !== null || this.#child.signalCode !== null
    const ended = isOver ? Promise.resolve() : once(this.#child, 'exit')
    this.#child.kill('SIGTERM')
    await ended
    await nft(this.#router, 'delete table inet upnp')
    await rm(this.#directory, { recursive: true, force: true })
  }
}

async function nft(router: NatRouter, input: string): Promise<void> {
  await mustRun(router.namespace.argv(['nft', '-f', '-']), { timeoutMs, env: process.env, input })
}
