/** A device with a mesh and a machine in memory, whose updates end as a test says. */

import assert from 'node:assert/strict'
import { EventEmitter } from 'node:events'
import type { TestContext } from 'node:test'
import type { JournalEntry } from '../../node/activation/journal-entry.ts'
import { NeedsError } from '../../node/activation/needs.ts'
import type { WantedSystem } from '../../node/activation/wanted-system.ts'
import { Device, type DeviceComponents } from '../../node/device/device.ts'
import type { BootWait } from '../../node/rollout/gate.ts'
import { identityOf } from '../../node/state/identity.ts'
import { closureCodec } from '../../protocol/closure/closure.ts'
import { equalBytes, sha256 } from '../../protocol/encoding/hash.ts'
import type { Release } from '../../protocol/release/release.ts'
import { verifyOpened } from '../../protocol/report/extended-report.ts'
import type { Report, ReportedTurn } from '../../protocol/report/report.ts'
import { testClosure, testConfig, testFleet, testSeed } from './fleet.ts'
import { silentLogger } from './log.ts'
import { testState } from './state.ts'

export const fleet = testFleet()

/** A release in which `kiosk-1` runs the config of this name. */
export function releaseOf(version: number, name: string): Release {
  const config = testConfig(testClosure(name))
  return {
    ...fleet.published.release,
    version,
    configs: { kiosk: config },
    devices: { 'kiosk-1': { config: 'kiosk' } },
  }
}

/** The top level of the config of this name. */
export const topOf = (name: string) => testConfig(testClosure(name)).topLevel

function entryOf({ release, config, target, topLevel }: WantedSystem, fails: string | undefined): JournalEntry {
  const common = { v: 1, id: `${release}-1`, release, config, target, new: topLevel, boot: 'one', attempt: 1 } as const
  const facts = { ...common, deadline: 0, contacts: 0, baseline: [] }
  if (fails === undefined) return { ...facts, state: 'committed' }
  return { ...facts, state: 'rolled-back', code: 'switch-failed', message: fails }
}

/** A device that is not started, and what it is told and tells. */
export async function scene(t: TestContext, more: Pick<DeviceComponents, 'secrets'> = {}) {
  const { own, clock } = await testState(t)
  const reports: Report[] = []
  const told = new EventEmitter()
  const state = Object.assign(new EventEmitter(), {
    accepted: undefined as { release: Release; sites: Map<string, Release>; trusted: object } | undefined,
  })
  const machine = {
    runs: undefined as string | undefined,
    activate: async (wanted: WantedSystem) => {
      machine.activations.push(wanted.topLevel)
      if (machine.fails === undefined) machine.runs = wanted.topLevel
      machine.journal = entryOf(wanted, machine.fails)
      return machine.journal
    },
    /** How the next activation fails. */
    fails: undefined as string | undefined,
    journal: undefined as JournalEntry | undefined,
    last: async () => machine.journal,
    resume: async () => machine.journal,
    activations: [] as string[],
    running: async () => machine.runs,
    boots: async () => machine.runs,
    notInForce: async () => machine.late,
    bootReason: async () => machine.needsBoot,
    requireNeeds: async () => {
      if (machine.lacks !== undefined) throw new NeedsError('missing-program', machine.lacks)
    },
    /** What is missing on the machine, as the error says it. */
    lacks: undefined as string | undefined,
    /** Why the next update is booted. */
    needsBoot: undefined as string | undefined,
    /** What of the generation is not in force. */
    late: [] as string[],
  }
  const closures = {
    get: async (config: { closure: { bytes: Uint8Array } }, _signal: AbortSignal) => {
      const all = ['one', 'two', 'three'].map(testClosure)
      const found = all.find(each => equalBytes(sha256(closureCodec.encode(each)), config.closure.bytes.subarray(-32)))
      assert.ok(found)
      return { closure: found, list: { paths: found.paths.map(described => ({ described })) } }
    },
  }
  const identity = identityOf(testSeed('device'))
  const meshStatus = Object.assign(new EventEmitter(), { fields: {}, held: false })
  const certified = Object.assign(new EventEmitter(), { certificate: { name: 'kiosk-1' } })
  const peer = {
    fleet: fleet.fleet,
    own: certified,
    identity,
    state,
    closures,
    admission: new EventEmitter(),
    shelf: new EventEmitter(),
    uplink: { onShareUsed: () => {}, tell: () => undefined },
    // A store that has it all: what is fetched is another test's.
    fetchComponents: {
      store: {
        holdTempRoots: async () => ({ release: async () => {} }),
        validPaths: async (paths: string[]) => new Set(paths),
        pathInfos: async () => new Map(),
      },
      trustedPublicKeys: () => [],
    },
    directory: {
      report: () => undefined,
      addReport: async (envelope: Uint8Array) => {
        reports.push(verifyOpened(envelope, fleet.fleet).document)
        told.emit('report')
        return 'new'
      },
    },
    news: { publishOwn: () => {} },
    meshStatus,
    damaged: { all: [] as string[] },
  }
  const gate = {
    isAwaited: false,
    /** What the next update waits for, and until when. */
    waits: undefined as { turn: ReportedTurn; until: Promise<void> } | undefined,
    pass: async (_signal: AbortSignal, onWait: (turn: ReportedTurn, isNews: boolean) => void, boot?: BootWait) => {
      if (gate.waits === undefined || boot === undefined) return
      onWait(gate.waits.turn, true)
      await gate.waits.until
    },
  }
  const components = { peer: peer as never, activator: machine as never, gate, own, clock, log: silentLogger, ...more }
  const device = new Device(components)
  t.after(() => device.stop())
  const release = (next: Release) => {
    state.accepted = { release: next, sites: new Map(), trusted: fleet.published.trusted }
    state.emit('changed', state.accepted)
  }
  const reported = async (fits: (report: Report) => boolean): Promise<Report> => {
    for (;;) {
      const last = reports.at(-1)
      if (last !== undefined && fits(last)) return last
      await new Promise(resolve => told.once('report', resolve))
    }
  }
  return {
    device,
    certified,
    machine,
    gate,
    reports,
    release,
    reported,
    closures,
    meshStatus,
    own,
    restart: () => new Device(components),
  }
}
