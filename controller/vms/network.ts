/**
 * The network of virtual machines: one bridge on this computer, with an address of its own on it, and a cable to each machine.
 * Nothing beyond this computer is on it, unless this computer forwards packets.
 */

import { createHash } from 'node:crypto'
import { readlink } from 'node:fs/promises'
import { networkInterfaces } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { runProgram } from '../../node/process/run-program.ts'
import { commandMs, pollMs } from './limits.ts'
import { VmError } from './vm-error.ts'

export const bridge = 'thymesh-vms'
/** A part of 10.0.0.0/8 that no well-known program for containers or virtual machines takes. */
const network = '10.213'
export const prefixLength = 16
/** This computer's own address there. */
export const gateway = `${network}.0.1`

/** This computer's own address in the network that QEMU makes for one machine (`-nic user`). */
const hostForQemu = '10.0.2.2'

/**
 * An address for a machine of a fleet that none of its others has. It follows from both names, since machines of other fleets are
 * on the same bridge, and others of this one may be in the making.
 */
export function freeAddress(fleet: string, name: string, taken: readonly string[]): string {
  const first = createHash('sha256').update(`${fleet} ${name}`).digest().readUInt16BE()
  for (let tries = 0; tries <= 0xff_ff; tries++) {
    const number = (first + tries) & 0xff_ff
    const [high, low] = [number >> 8, number & 0xff]
    const address = `${network}.${high}.${low}`
    if (low !== 0 && low !== 0xff && address !== gateway && !taken.includes(address)) return address
  }
  throw new RangeError('there are fewer machines than addresses')
}

/**
 * Where a machine can dial this computer's controller, by what that listens on: `0.0.0.0` is on the bridge, too, and any other
 * address of this computer is behind it. On loopback nobody else can.
 */
export function addressesForMachines(listen: readonly string[]): string[] {
  const found = fixed(listen).filter(({ host }) => !host.startsWith('127.'))
  return [...new Set(found.map(({ host, port }) => `/ip4/${host === '0.0.0.0' ? gateway : host}/tcp/${port}`))]
}

/** The same for QEMU's own network, where this computer's loopback has an address, and all others are behind it. */
export function addressesForQemu(listen: readonly string[]): string[] {
  const isHere = (host: string) => host === '0.0.0.0' || host.startsWith('127.')
  return [...new Set(fixed(listen).map(({ host, port }) => `/ip4/${isHere(host) ? hostForQemu : host}/tcp/${port}`))]
}

function fixed(listen: readonly string[]): { host: string; port: string }[] {
  return listen.flatMap(each => {
    const [, host = '', port = '0'] = /^\/ip4\/([^/]+)\/tcp\/(\d+)$/.exec(each) ?? []
    return host === '' || port === '0' ? [] : [{ host, port }]
  })
}

/** Makes the bridge, unless it is there. Throws a VmError where the network is another one's here. */
export async function ensureBridge(): Promise<void> {
  const other = Object.entries(networkInterfaces()).find(
    ([name, at]) => name !== bridge && at?.some(({ address }) => address.startsWith(`${network}.`)),
  )
  if (other !== undefined) {
    throw new VmError('vm-network', `expected ${network}.0.0/${prefixLength} to be free here, ${other[0]} is in it`, {
      hint: 'Virtual machines need that network for themselves: give the other one another.',
    })
  }
  // Without snooping every multicast frame reaches every port: what mDNS needs where no router asks for members.
  await ip(['link', 'add', bridge, 'type', 'bridge', 'mcast_snooping', '0'], ['File exists'])
  await ip(['address', 'replace', `${gateway}/${prefixLength}`, 'dev', bridge])
  await ip(['link', 'set', bridge, 'up'])
}

/** Lays a cable from the bridge to `eth0` in the network namespace of a process, which is to be another one than ours. */
export async function layCable(pid: number, deadline: number): Promise<void> {
  const own = await readlink('/proc/self/ns/net')
  while ((await readlink(`/proc/${pid}/ns/net`).catch(() => own)) === own) {
    if (performance.now() > deadline) throw broken('it got no network of its own')
    await sleep(pollMs / 10)
  }
  const port = portOf(pid)
  await ip(['link', 'add', port, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', String(pid)])
  await ip(['link', 'set', port, 'master', bridge, 'up'])
}

/** Takes the cable away, whose other end may be gone already; the kernel would only do it by and by. */
export async function pullCable(pid: number): Promise<void> {
  await ip(['link', 'delete', portOf(pid)], ['Cannot find device'])
}

function portOf(pid: number): string {
  return `tvm${pid}`
}

/** Removes the bridge once nothing is on it. */
export async function removeIdleBridge(): Promise<void> {
  // Not by /sys, which shows the network of who mounted it.
  const { code, stdout } = await runProgram('ip', ['link', 'show', 'master', bridge], {
    timeoutMs: commandMs,
    lines: 5,
  })
  if (code === 0 && stdout.trim() === '') await ip(['link', 'delete', bridge], ['Cannot find device'])
}

/** `mayFail`: words of errors that mean that another command was first. */
async function ip(args: readonly string[], mayFail: readonly string[] = []): Promise<void> {
  const { code, errors } = await runProgram('ip', args, { timeoutMs: commandMs, lines: 5 })
  const said = errors.join(' ')
  if (code !== 0 && !mayFail.some(words => said.includes(words))) throw broken(`ip ${args.join(' ')}: ${said}`)
}

function broken(words: string): VmError {
  return new VmError('vm-network', `the machine could not be put on the network: ${words}`, {
    hint: 'Machines need CAP_NET_ADMIN, and a kernel with bridges and veth: modprobe bridge veth.',
  })
}
