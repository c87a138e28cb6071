/** What /proc says of processors, memory, pressure and the network; a file that is missing or strange says nothing. */

import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/** Readings that only count up; rates come from two of them. */
export interface Counters {
  readonly busy?: number
  readonly total?: number
  readonly received?: number
  readonly sent?: number
}

/** The text of a small file of the kernel. Read at once: it is in memory, and a thread would cost more. */
export function textOf(root: string, path: string): string | undefined {
  try {
    return readFileSync(join(root, path), 'utf8')
  } catch {
    return undefined
  }
}

export function numberOf(root: string, path: string): number | undefined {
  const text = textOf(root, path)?.trim()
  return text !== undefined && /^-?\d+(?:\.\d+)?$/.test(text) ? Number(text) : undefined
}

/** Busy and all time of all processors, in ticks. */
export function processorTime(root: string): Pick<Counters, 'busy' | 'total'> {
  const line = /^cpu +([\d ]+)$/m.exec(textOf(root, 'proc/stat') ?? '')?.[1]
  if (line === undefined) return {}
  const [user = 0, nice = 0, system = 0, idle = 0, wait = 0, irq = 0, softIrq = 0, steal = 0] = line
    .trim()
    .split(/ +/)
    .map(Number)
  const busy = user + nice + system + irq + softIrq + steal
  return { busy, total: busy + idle + wait }
}

export function memory(root: string): { memory?: number; swap?: number } {
  const text = textOf(root, 'proc/meminfo') ?? ''
  const of = (name: string) => Number(new RegExp(`^${name}: +(\\d+) kB$`, 'm').exec(text)?.[1] ?? Number.NaN)
  const [total, available, swap, free] = [of('MemTotal'), of('MemAvailable'), of('SwapTotal'), of('SwapFree')]
  return {
    ...(total > 0 && available >= 0 && { memory: percent(total - available, total) }),
    ...(swap > 0 && free >= 0 && { swap: percent(swap - free, swap) }),
  }
}

/** The share of the last minute in which some task waited. */
export function pressure(root: string, what: 'cpu' | 'memory' | 'io'): number | undefined {
  const share = /^some .*\bavg60=(\d+\.\d+)/m.exec(textOf(root, `proc/pressure/${what}`) ?? '')?.[1]
  return share === undefined ? undefined : Number(share)
}

export function load(root: string): number | undefined {
  const first = /^\d+\.\d+/.exec(textOf(root, 'proc/loadavg') ?? '')?.[0]
  return first === undefined ? undefined : Number(first)
}

export function uptime(root: string): number | undefined {
  const first = /^\d+/.exec(textOf(root, 'proc/uptime') ?? '')?.[0]
  return first === undefined ? undefined : Number(first)
}

/** Interfaces that carry what others carry already. */
const virtual = /^(?:lo|veth|docker|br-|virbr|cni|flannel|tun|tap|wg|dummy|ifb|vnet)/

/** Bytes of all network cards. */
export function networkBytes(root: string): Pick<Counters, 'received' | 'sent'> {
  const text = textOf(root, 'proc/net/dev')
  if (text === undefined) return {}
  let [received, sent] = [0, 0]
  for (const [, name = '', values = ''] of text.matchAll(/^ *([^\s:]+): *([\d ]+)$/gm)) {
    if (virtual.test(name)) continue
    const fields = values.trim().split(/ +/).map(Number)
    received += fields[0] ?? 0
    sent += fields[8] ?? 0
  }
  return { received, sent }
}

export function percent(part: number, whole: number): number {
  return Math.min(100, Math.max(0, (100 * part) / whole))
}
