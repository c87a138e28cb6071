/** Nix itself, fetching a system into a store of its own: what Thymesh is measured beside. */

import type { Place } from './place.ts'
import { measured, type Taken } from './program.ts'
import type { Scratch } from './scratch.ts'
import type { System } from './systems.ts'

/** `copy`: nix copy, which chooses its parallelism itself. A number: substitution with that many jobs. */
export type Way = 'copy' | 1 | 16

export interface FetchOptions {
  readonly scratch: Scratch
  readonly place: Place
  /** A binary cache's or a store's URL. */
  readonly from: string
  /** The store's root. */
  readonly to: string
  readonly env?: NodeJS.ProcessEnv
}

/** Programs and flags of Nix's command line as it is since 2.4. */
const features = ['--extra-experimental-features', 'nix-command']

/** Fetches a system; no signatures are checked, which only helps Nix's figures. */
export async function nixFetch(system: System, way: Way, options: FetchOptions): Promise<Taken> {
  const { scratch, place, from, to } = options
  // What Nix remembers of caches, also what they lack, is in its user's home.
  const home = await scratch.folder(`home-${crypto.randomUUID()}`)
  const env = { HOME: home, XDG_CACHE_HOME: `${home}/cache`, NIX_REMOTE: undefined, ...options.env }
  const store = `local?root=${to}`
  const copy = ['nix', ...features, 'copy', '--no-check-sigs', '--from', from, '--to', store, system.topLevel]
  const realise = ['nix-store', '--store', store, '--realise', system.topLevel]
  const substituter = ['--option', 'substituters', from, '--option', 'require-sigs', 'false', '--max-jobs', String(way)]
  const argv = way === 'copy' ? copy : [...realise, ...substituter]
  return await measured(place.argv(argv), env, 240_000)
}

/** Puts a system into a store from the machine's own, as a start for what is measured. */
export async function nixPreload(system: System, scratch: Scratch, to: string): Promise<void> {
  const here: Place = { address: '', argv: argv => [...argv], counters: async () => ({ received: 0, sent: 0 }) }
  await nixFetch(system, 'copy', { scratch, place: here, from: 'local', to })
}
