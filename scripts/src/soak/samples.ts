/** The figures of a process and its folder at a time, and over time. */

import { once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import { stripTypeScriptTypes } from 'node:module'
import { createConnection } from 'node:net'
import { join } from 'node:path'
import { output } from '../bench/apt.ts'
import type { Program } from '../bench/program.ts'
import type { Allowance, Reading } from './flat.ts'
import { openFiles } from './kernel.ts'

/** What the process itself tells, after it has collected its garbage. */
export interface ProbeAnswer {
  /** Bytes of V8's heap that are used, and of buffers. */
  readonly heapBytes: number
  /** Emitters of events and their like: whatever listeners are added to, and signals, which are forgotten most easily. */
  readonly emitters: number
  readonly timers: number
}

export type Sample = ProbeAnswer & {
  /** Resident, after the collection. */
  readonly rssBytes: number
  readonly files: number
  readonly sockets: number
  /** Left in staging, when nothing is fetched. */
  readonly stagingBytes: number
  /** On disk: its state, and its Nix store. */
  readonly stateBytes: number
  readonly storeBytes: number
}

const MiB = 1 << 20
/** A collection takes a tenth of a second, and minutes where others have the processor. */
const probeLimitMs = 600_000

/** What each figure may grow in the time that counts. Smaller is within what the same process shows from minute to minute. */
export const allowances: Readonly<Record<keyof Sample, Allowance & { readonly title: string }>> = {
  rssBytes: { title: 'resident memory', growth: 12 * MiB, per: MiB, unit: 'MiB' },
  heapBytes: { title: 'heap and buffers', growth: 2 * MiB, per: MiB, unit: 'MiB' },
  files: { title: 'open files', growth: 4, per: 1, unit: '' },
  sockets: { title: 'of them sockets', growth: 2, per: 1, unit: '' },
  emitters: { title: 'emitters and signals', growth: 100, per: 1, unit: '' },
  timers: { title: 'timers', growth: 10, per: 1, unit: '' },
  stagingBytes: { title: 'left in staging', growth: 1 * MiB, per: MiB, unit: 'MiB' },
  // LevelDB gathers writes before it merges them.
  stateBytes: { title: 'state on disk', growth: 16 * MiB, per: MiB, unit: 'MiB' },
  // What came since the last sweep of the store, which is due once a minute.
  storeBytes: { title: 'store on disk', growth: 256 * MiB, per: MiB, unit: 'MiB' },
}

/** The environment that loads the probe into a process. As JavaScript: to strip types, Node loads a compiler of 20 MiB. */
export async function probeEnv(folder: string, socket: string): Promise<Record<string, string>> {
  const source = await readFile(new URL('./probe.ts', import.meta.url), 'utf8')
  const file = join(folder, 'probe.mjs')
  await writeFile(file, stripTypeScriptTypes(source))
  return { NODE_OPTIONS: `--import=${file}`, THYMESH_SOAK_PROBE: socket }
}

export interface Watched {
  readonly name: string
  readonly program: Program
  /** Its probe's socket. */
  readonly socket: string
  /** Its folders. */
  readonly state: string
  readonly store?: string
}

/** The samples of a process, in the order of time. */
export class Samples {
  readonly name: string
  readonly all: { readonly atMs: number; readonly sample: Sample }[] = []
  readonly #watched: Watched

  constructor(watched: Watched) {
    this.name = watched.name
    this.#watched = watched
  }

  get last(): Sample | undefined {
    return this.all.at(-1)?.sample
  }

  /** Takes a sample. `atMs`: since the soak began. */
  async take(atMs: number): Promise<Sample> {
    const { program, socket, state, store } = this.#watched
    const probe = await askProbe(socket)
    const { now } = await program.memory()
    const sample = {
      ...probe,
      rssBytes: now,
      ...(await openFiles(program.pid)),
      stagingBytes: await diskBytes(`${state}/staging`),
      stateBytes: await diskBytes(state),
      storeBytes: store === undefined ? 0 : await diskBytes(store),
    }
    this.all.push({ atMs, sample })
    return sample
  }

  readings(figure: keyof Sample): Reading[] {
    return this.all.map(({ atMs, sample }) => ({ atMs, value: sample[figure] }))
  }
}

async function askProbe(socket: string): Promise<ProbeAnswer> {
  const connection = createConnection(socket)
  connection.setTimeout(probeLimitMs, () => {
    connection.destroy(new Error(`waited ${probeLimitMs / 1000} s for the probe at ${socket}`))
  })
  let text = ''
  connection.setEncoding('utf8').on('data', part => {
    text += part
  })
  await once(connection, 'close')
  return JSON.parse(text)
}

/** Bytes on disk below a folder, each file once; 0 of one that isn't there. */
async function diskBytes(folder: string): Promise<number> {
  // Files come and go while du looks: it says so, and its sum is good.
  const said = await output('sh', ['-c', 'du -sk -- "$1" 2>/dev/null || true', 'sh', folder])
  return Number.parseInt(said, 10) * 1024 || 0
}
