/** The lives of a daemon on a machine in memory: each ends well, or by a crash or a reboot. */

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Activator } from '../../node/activation/activator.ts'
import type { JournalEntry } from '../../node/activation/journal-entry.ts'
import type { WantedSystem } from '../../node/activation/wanted-system.ts'
import type { RebootPolicy } from '../../protocol/release/reboot-policy.ts'
import type { UpdatePolicyInput } from '../../protocol/release/update-policy.ts'
import { testStorePath } from './fleet.ts'
import { silentLogger } from './log.ts'
import { type Behaviour, Crash, SimulatedMachine } from './simulated-machine.ts'

export const [old, next] = [testStorePath('old'), testStorePath('new')]
const thisSystem = process.arch === 'arm64' ? 'aarch64-linux' : 'x86_64-linux'

const directory = mkdtempSync(join(tmpdir(), 'thymesh-activator-'))
mkdirSync(join(directory, 'bin'))
writeFileSync(join(directory, 'bin/switch-to-configuration'), '', { mode: 0o755 })
process.on('exit', () => rmSync(directory, { recursive: true }))

export const store = { realPath: () => directory, makeRoot: async () => {}, removeRoot: async () => {} }
export const logs = { keep: async () => ({ hash: 'a'.repeat(64), bytes: 1, excerpt: '' }) }

export function wantedOf(policy: UpdatePolicyInput = {}, reboot: RebootPolicy = {}): WantedSystem {
  const quick: UpdatePolicyInput = {
    health: { settleSeconds: 0 },
    confirm: { deadlineSeconds: 50, peers: 1 },
    ...policy,
  }
  const about = { release: 2, config: 'kiosk', system: thisSystem, target: 'portable', topLevel: next } as const
  return { ...about, policy: quick, reboot }
}

/** A daemon's activator on a machine in memory. */
export function activatorOf(machine: SimulatedMachine): Activator {
  const contacts = async () => ({ all: machine.reachable ? 1 : 0, steady: 0 })
  const components = { system: machine, journal: machine, logs, store, contacts, log: silentLogger }
  return new Activator(components, { root: undefined, pollMs: 0, retryPausesMs: [0, 0, 0], blessAgainMs: 1 })
}

export const signal = new AbortController().signal

/** One life of the daemon: takes up what was begun, and follows the release; `crashed` when it did not live to the end. */
export async function live(machine: SimulatedMachine, wanted: WantedSystem): Promise<JournalEntry | 'crashed'> {
  const activator = activatorOf(machine)
  machine.revive()
  try {
    let end = await activator.resume({ signal })
    while (end === undefined || end.state === 'interrupted') end = await activator.activate(wanted, { signal })
    return end
  } catch (thrown) {
    if (thrown instanceof Crash) return 'crashed'
    throw thrown
  }
}

export const well: Behaviour = { code: 0, unitFails: false, reachable: true, commitFails: false }
export const machineOf = (behaviour: Partial<Behaviour> = {}) =>
  new SimulatedMachine({ old, new: next, behaviour: { ...well, ...behaviour } })
