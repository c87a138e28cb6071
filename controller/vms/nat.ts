/** Lets machines reach what this computer reaches, by its address; all others on the bridge stay where they are. */

import { readFile, writeFile } from 'node:fs/promises'
import { runProgram } from '../../node/process/run-program.ts'
import { commandMs } from './limits.ts'
import { bridge } from './network.ts'
import { VmError } from './vm-error.ts'

const forwarding = '/proc/sys/net/ipv4/ip_forward'
const table = ['ip', 'thymesh_guests']

/** Only answers come in. With it this computer forwards packets, so what is not meant to leave the bridge is dropped. */
const rules = `table ${table.join(' ')} {
  set beyond { type ipv4_addr; }
  chain forward {
    type filter hook forward priority filter; policy accept;
    iifname "${bridge}" ip saddr != @beyond drop
    oifname "${bridge}" iifname != "${bridge}" ct state != { established, related } drop
  }
  chain postrouting {
    type nat hook postrouting priority srcnat; policy accept;
    ip saddr @beyond oifname != "${bridge}" masquerade
  }
}`

/** Throws a VmError where this computer has no such firewall. */
export async function letOut(address: string): Promise<void> {
  if ((await nft(['list', 'table', ...table])) !== undefined) await must([rules])
  await must(['add', 'element', ...table, 'beyond', `{ ${address} }`])
  if ((await readFile(forwarding, 'utf8')).trim() !== '1') await writeFile(forwarding, '1')
}

/** Takes that back, if it was given. */
export async function keepIn(address: string): Promise<void> {
  await nft(['delete', 'element', ...table, 'beyond', `{ ${address} }`])
}

async function must(args: readonly string[]): Promise<void> {
  const why = await nft(args)
  if (why === undefined) return
  throw new VmError('vm-network', `the machine's packets can't be let out: ${why}`, {
    hint: 'It takes nftables, and a kernel with it: apt-get install nftables.',
  })
}

/** Why it did not do so; nothing if it did. */
async function nft(args: readonly string[]): Promise<string | undefined> {
  try {
    const { code, errors } = await runProgram('nft', args, { timeoutMs: commandMs, lines: 5 })
    return code === 0 ? undefined : errors.join(' ')
  } catch (thrown) {
    return String(thrown)
  }
}
