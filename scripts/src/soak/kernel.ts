/** What the kernel knows of a process: its connections, its open files, and the probes of silent connections around it. */

import { readdir, readFile, readlink } from 'node:fs/promises'

/** A TCP connection that is established. Ports only: addresses are those of the soak's own network. */
export interface Connection {
  readonly localPort: number
  readonly remotePort: number
  /** The kernel's number of the socket: another connection at the same ports has another one. */
  readonly inode: string
}

/** TCP_ESTABLISHED of linux/tcp_states.h. */
const established = '01'

/** Parses /proc/PID/net/tcp of proc(5): the established connections of a whole network namespace. */
export function parseConnections(text: string): Connection[] {
  return text.split('\n').flatMap(line => {
    const [, local = '', remote = '', state, , , , , , inode = ''] = line.trim().split(/\s+/)
    if (state !== established) return []
    return [{ localPort: portOf(local), remotePort: portOf(remote), inode }]
  })
}

/** Parses a counter of /proc/PID/net/netstat: a line of names, and a line of values below it. Missing ones are 0. */
export function parseCounter(text: string, group: string, name: string): number {
  const [names, values] = text
    .split('\n')
    .filter(line => line.startsWith(`${group}: `))
    .map(line => line.split(' '))
  return Number(values?.[names?.indexOf(name) ?? -1] ?? 0)
}

/** A process's connections over IPv4. */
export async function connectionsOf(pid: number): Promise<Connection[]> {
  const own = new Set(await linksOf(pid))
  const all = parseConnections(await readFile(`/proc/${pid}/net/tcp`, 'utf8'))
  return all.filter(({ inode }) => own.has(`socket:[${inode}]`))
}

/** Probes that the kernel has sent for silent connections, in the process's network namespace. */
export async function probesAround(pid: number): Promise<number> {
  return parseCounter(await readFile(`/proc/${pid}/net/netstat`, 'utf8'), 'TcpExt', 'TCPKeepAlive')
}

/** How many files a process has open, and how many of them are sockets. */
export async function openFiles(pid: number): Promise<{ files: number; sockets: number }> {
  const links = await linksOf(pid)
  return { files: links.length, sockets: links.filter(link => link.startsWith('socket:')).length }
}

async function linksOf(pid: number): Promise<string[]> {
  const names = await readdir(`/proc/${pid}/fd`)
  // Some are closed in between.
  return await Promise.all(names.map(name => readlink(`/proc/${pid}/fd/${name}`).catch(() => '')))
}

/** Of an address such as 0100007F:116C. */
function portOf(address: string): number {
  return Number.parseInt(address.split(':')[1] ?? '', 16)
}
