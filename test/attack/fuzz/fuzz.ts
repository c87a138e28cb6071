/** Feeds mutated bytes to a decoder until its time is over: it may refuse, but only in its own words, soon and in bounds. */

import { createHash } from 'node:crypto'
import { messageOf, ThymeshError } from '../../../protocol/errors.ts'
import { mutateBytes } from './mutate-bytes.ts'
import { Random } from './random.ts'
import type { Target } from './target.ts'

/** Longer inputs are cut: the largest documents would make nearly all of the time go into copying. */
const maxInputBytes = 96 * 1024
/** One input that needs a processor for longer is a crash; waiting for a busy one is none. */
const slowMs = 5_000
/** Crashes that are kept of one target. */
const keptCrashes = 10
/** Inputs that the mutation begins from, beside the seeds. */
const keptInteresting = 200

export interface Crash {
  readonly target: string
  readonly reason: string
  readonly input: Uint8Array
}

export interface Fuzzed {
  readonly target: string
  readonly inputs: number
  /** How many of them the decoder took. */
  readonly taken: number
  readonly crashes: readonly Crash[]
  /** Inputs that were answered in a way that no other was. */
  readonly interesting: readonly Uint8Array[]
}

export interface FuzzOptions {
  seed: number
  milliseconds: number
  /** Inputs that were interesting before. */
  corpus?: readonly Uint8Array[]
}

export async function fuzz(target: Target, { seed, milliseconds, corpus = [] }: FuzzOptions): Promise<Fuzzed> {
  const random = new Random(seed ^ hashOf(target.name))
  const crashes: Crash[] = []
  const known = new Set<string>()
  const interesting: Uint8Array[] = []
  const pool = [...target.seeds, ...corpus]
  let inputs = 0
  let taken = 0
  const feed = async (bytes: Uint8Array, isNew: boolean) => {
    inputs++
    const verdict = await verdictOf(target, bytes, random)
    if (verdict.kind === 'taken') taken++
    if (verdict.kind === 'crash' && crashes.length < keptCrashes && !known.has(verdict.signature)) {
      crashes.push({ target: target.name, reason: verdict.signature, input: bytes })
    }
    if (!isNew || known.has(verdict.signature)) {
      known.add(verdict.signature)
      return
    }
    known.add(verdict.signature)
    if (interesting.length < keptInteresting) {
      interesting.push(bytes)
      pool.push(bytes)
    }
  }
  for (const bytes of pool.slice()) await feed(bytes, false)
  const end = performance.now() + milliseconds
  while (performance.now() < end) {
    // In batches, so that looking at the clock costs nothing.
    for (let left = 50; left > 0; left--) await feed(next(target, pool, random), true)
    await new Promise(resolve => setImmediate(resolve))
  }
  return { target: target.name, inputs, taken, crashes, interesting }
}

function next(target: Target, pool: readonly Uint8Array[], random: Random): Uint8Array {
  const from = random.pick(pool)
  const formed = random.once(2) ? target.mutate?.(from, random) : undefined
  const bytes = formed ?? mutateBytes(from, random, random.pick(pool))
  return bytes.length > maxInputBytes ? bytes.slice(0, maxInputBytes) : bytes
}

type Verdict = { kind: 'taken' | 'refused' | 'crash'; signature: string }

async function verdictOf(target: Target, bytes: Uint8Array, random: Random): Promise<Verdict> {
  const before = process.cpuUsage()
  let verdict: Verdict
  try {
    await target.run(bytes, random)
    verdict = { kind: 'taken', signature: 'taken' }
  } catch (thrown) {
    const refused = target.refusals.some(kind => thrown instanceof kind)
    const code = thrown instanceof ThymeshError ? thrown.code : ''
    const name = thrown instanceof Error ? thrown.constructor.name : typeof thrown
    // Quoted input and numbers say nothing of the way that was taken.
    const text = messageOf(thrown)
      .replace(/"(?:[^"\\]|\\.)*"/g, '""')
      .replace(/[0-9a-f]{8,}|\d+/gi, '#')
      .slice(0, 80)
    verdict = { kind: refused ? 'refused' : 'crash', signature: `${name} ${code} ${text}` }
  }
  const { user, system } = process.cpuUsage(before)
  const took = (user + system) / 1000
  return took < slowMs ? verdict : { kind: 'crash', signature: `took ${Math.round(took)} ms` }
}

function hashOf(text: string): number {
  return createHash('sha256').update(text).digest().readUInt32LE()
}
