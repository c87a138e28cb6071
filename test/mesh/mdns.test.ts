/** Peers of an isolated network find each other: hosts on one bridge, none of which has a default route. */

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { describe, it, type TestContext } from 'node:test'
import { mdnsService } from '../../node/mesh/transport/host.ts'
import { protocolNames } from '../../protocol/messages/messages.ts'
import { until } from '../helpers/until.ts'
import { labSkip } from '../lab/needs.ts'
import { type LabLink, LabNetwork } from '../lab/network.ts'
import { mustRun } from '../lab/run.ts'

const skip = labSkip()
const program = join(import.meta.dirname, '../helpers/mdns-program.ts')
const flood = join(import.meta.dirname, '../helpers/mdns-flood.ts')
const limitMs = 120_000

/** A host of test/helpers/mdns-program.ts, with what it has found. */
interface Finder {
  readonly peer: string
  readonly found: Map<string, string[]>
  /** Ends it as a service manager does; its exit code. */
  stop(): Promise<number | null>
}

describe('mDNS on a network without a default route', { skip }, () => {
  it('brings together the hosts of one fleet', async t => {
    const network = await isolated(t)
    const links = [await network.attach(), await network.attach(), await network.attach()] as const
    for (const link of links) assert.doesNotMatch(await ip(link, 'route'), /default|224\./)
    const [a, b, stranger] = await Promise.all([
      start(t, links[0], 1),
      start(t, links[1], 2),
      start(t, links[2], 3, 'b'),
    ])
    await until(() => a.found.has(b.peer) && b.found.has(a.peer), 'both to find each other', limitMs)
    assert.deepEqual(a.found.get(b.peer), [`/ip4/${links[1].address}/tcp/4460`])
    assert.deepEqual(b.found.get(a.peer), [`/ip4/${links[0].address}/tcp/4460`])
    // Another fleet's host hears them and is heard: with a fourth that finds it, its silence about them means something.
    const fellow = await start(t, links[0], 4, 'b', ['/ip4/0.0.0.0/tcp/4461'])
    await until(() => stranger.found.has(fellow.peer), 'the other fleet to meet', limitMs)
    assert.deepEqual([...stranger.found.keys()], [fellow.peer])
    assert.deepEqual([...a.found.keys()], [b.peer])
    assert.equal(await a.stop(), 0)
  })

  it('says on each interface only the addresses that lead to it there', async t => {
    const network = await isolated(t)
    const [left, right] = [await network.attach(), await network.attach()]
    await ip(left, 'link', 'add', 'spare0', 'type', 'veth', 'peer', 'name', 'spare1')
    await ip(left, 'address', 'add', '10.78.0.1/24', 'dev', 'spare0')
    for (const name of ['spare0', 'spare1']) await ip(left, 'link', 'set', name, 'up')
    const [a, b] = await Promise.all([start(t, left, 1), start(t, right, 2)])
    await until(() => a.found.has(b.peer) && b.found.has(a.peer), 'both to find each other', limitMs)
    assert.deepEqual(b.found.get(a.peer), [`/ip4/${left.address}/tcp/4460`])
  })

  it('finds others when the cable is plugged in later, and when an address has changed', async t => {
    const network = await isolated(t)
    const [left, right] = [await network.attach(), await network.attach()]
    await right.set('down')
    const [a, b] = await Promise.all([start(t, left, 1), start(t, right, 2)])
    await right.set('up')
    await until(() => a.found.has(b.peer) && b.found.has(a.peer), 'both to find each other', limitMs)
    // A new address, as after another DHCP server: known peers stay, a new one is found through it.
    await ip(right, 'address', 'flush', 'dev', 'eth0')
    await ip(right, 'address', 'add', '10.77.0.99/24', 'dev', 'eth0')
    const c = await start(t, left, 3, 'a', ['/ip4/0.0.0.0/tcp/4461'])
    await until(() => c.found.has(b.peer) && b.found.has(c.peer), 'the third to be found', limitMs)
    assert.deepEqual(c.found.get(b.peer), ['/ip4/10.77.0.99/tcp/4460'])
  })

  it('goes on when an interface was replaced by one of the same name and address', async t => {
    const network = await isolated(t)
    const [left, right] = [await network.attach(), await network.attach()]
    const pid = right.path.split('/')[2] ?? ''
    const lay = async () => {
      const far = ['peer', 'name', 'lan0', 'address', '02:00:00:00:00:02', 'netns', pid]
      await ip(left, 'link', 'add', 'lan0', 'address', '02:00:00:00:00:01', 'type', 'veth', ...far)
      await ip(left, 'address', 'add', '10.78.0.1/24', 'dev', 'lan0')
      await ip(right, 'address', 'add', '10.78.0.2/24', 'dev', 'lan0')
      for (const link of [left, right]) await ip(link, 'link', 'set', 'lan0', 'up')
    }
    for (const link of [left, right]) await ip(link, 'link', 'delete', 'eth0')
    await lay()
    const [a, b] = await Promise.all([start(t, left, 1), start(t, right, 2)])
    await until(() => a.found.has(b.peer) && b.found.has(a.peer), 'both to find each other', limitMs)
    await ip(left, 'link', 'delete', 'lan0')
    await lay()
    const c = await start(t, left, 3, 'a', ['/ip4/0.0.0.0/tcp/4461'])
    await until(() => c.found.has(b.peer) && b.found.has(c.peer), 'the third to be found', limitMs)
  })

  it('tolerates a neighbour that floods it', async t => {
    const network = await isolated(t)
    const [left, right] = [await network.attach(), await network.attach()]
    const a = await start(t, left, 1)
    const service = mdnsService(protocolNames('a'.repeat(64)))
    const argv = network.argv([process.execPath, flood, network.address, service])
    const answers = Number(await mustRun(argv, { timeoutMs: limitMs, env: process.env }))
    assert.ok(answers > 0 && answers < 20, `200 questions got ${answers} answers`)
    await until(() => a.found.size > 0, 'some of its invented peers to be heard of', limitMs)
    assert.ok(a.found.size <= 200, `${a.found.size} peers were told of`)
    const b = await start(t, right, 2)
    await until(() => b.found.has(a.peer), 'the flooded one to be found', limitMs)
    assert.equal(await a.stop(), 0)
  })

  it('brings together two hosts of a machine that has nothing but loopback', async t => {
    const network = await isolated(t)
    const link = await network.attach()
    await ip(link, 'link', 'delete', 'eth0')
    const [a, b] = await Promise.all([start(t, link, 1), start(t, link, 2, 'a', ['/ip4/0.0.0.0/tcp/4461'])])
    await until(() => a.found.has(b.peer) && b.found.has(a.peer), 'both to find each other', limitMs)
    assert.deepEqual(a.found.get(b.peer), ['/ip4/127.0.0.1/tcp/4461'])
  })
})

async function isolated(t: TestContext): Promise<LabNetwork> {
  const network = await LabNetwork.create()
  t.after(() => network[Symbol.asyncDispose]())
  return network
}

function ip(link: LabLink, ...args: string[]): Promise<string> {
  return mustRun(link.argv(['ip', ...args]), { timeoutMs: limitMs, env: process.env })
}

async function start(t: TestContext, link: LabLink, seed: number, fleet = 'a', listen?: string[]): Promise<Finder> {
  const argv = link.argv([process.execPath, program, String(seed), fleet, ...(listen ?? [])])
  // Ends with this process, however that ends.
  const child = spawn('setpriv', ['--pdeathsig', 'KILL', ...argv], { stdio: ['ignore', 'pipe', 'inherit'] })
  const ended = once(child, 'exit') as Promise<[number | null]>
  t.after(async () => {
    child.kill('SIGKILL')
    await ended
  })
  const found = new Map<string, string[]>()
  let peer: string | undefined
  createInterface(child.stdout).on('line', line => {
    const said = JSON.parse(line) as { started: string } | { peer: string; addresses: string[] }
    if ('started' in said) peer = said.started
    else found.set(said.peer, said.addresses)
  })
  await until(() => peer !== undefined || child.exitCode !== null, 'a host to start', limitMs)
  assert.ok(peer !== undefined, 'a host did not start')
  const stop = async () => {
    child.kill('SIGTERM')
    return (await ended)[0]
  }
  return { peer, found, stop }
}
