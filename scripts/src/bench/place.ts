/** Places in the benchmark's network: where a process runs, how it is reached, and what its interface has counted. */

import type { LabLink, LabNetwork } from '../../../test/lab/network.ts'
import { mustRun } from '../../../test/lab/run.ts'

/** Bytes on the wire since the interface was made, Ethernet headers and all. */
export interface Counters {
  readonly received: number
  readonly sent: number
}

export interface Place {
  readonly address: string
  /** The command line that runs another one there. */
  argv(argv: readonly string[]): string[]
  counters(): Promise<Counters>
}

/** The loopback interface of a namespace in which nobody else is: each byte is counted as received and as sent. */
export function loopbackOf(network: LabNetwork): Place {
  return placeAt('127.0.0.1', 'lo', argv => network.argv(argv))
}

/** The switch itself; its interface counts what it says, not what it passes on. */
export function switchOf(network: LabNetwork): Place {
  return placeAt(network.address, 'bridge', argv => network.argv(argv))
}

/** The far end of a cable. */
export function endOf(link: LabLink): Place {
  return placeAt(link.address, 'eth0', argv => link.argv(argv))
}

/** Lets a cable carry no more than `mbit` each way. The kernel's bucket filter: netem is missing in many. */
export async function shape(network: LabNetwork, link: LabLink, mbit: number): Promise<void> {
  // The bucket holds what comes between two ticks of a 250 Hz kernel; the queue is a switch's, 50 ms.
  const burst = `${Math.max(16, Math.ceil((mbit * 1e6) / 8 / 250 / 1024))}kb`
  const rule = (device: string) => {
    return [
      'tc',
      'qdisc',
      'add',
      'dev',
      device,
      'root',
      'tbf',
      'rate',
      `${mbit}mbit`,
      'burst',
      burst,
      'latency',
      '50ms',
    ]
  }
  for (const argv of [network.argv(rule(link.port)), link.argv(rule('eth0'))]) {
    await mustRun(argv, { timeoutMs: 10_000, env: process.env })
  }
}

function placeAt(address: string, device: string, within: (argv: readonly string[]) => string[]): Place {
  return {
    address,
    argv: within,
    counters: async () => {
      const ask = within(['ip', '-s', '-j', 'link', 'show', 'dev', device])
      const answer = JSON.parse(await mustRun(ask, { timeoutMs: 10_000, env: process.env }))
      const { rx, tx } = answer[0].stats64
      return { received: rx.bytes, sent: tx.bytes }
    },
  }
}

/** The counts between two readings. */
export function between(before: Counters, after: Counters): Counters {
  return { received: after.received - before.received, sent: after.sent - before.sent }
}
