/** What an attack is: one object that the tests run, `scripts/attack` prints and docs/security.md lists. */

import type { Arena } from './arena.ts'

/** What the attacker holds, weakest first. */
export type Power =
  | 'no key'
  | 'network'
  | 'another fleet'
  | 'local user'
  | 'commit'
  | 'join token'
  | 'revoked device'
  | 'device key'
  | 'site key'
  | 'members key'
  | 'timestamp key'
  | 'snapshot and timestamp keys'
  | 'site, snapshot and timestamp keys'
  | 'targets key below threshold'
  | 'targets key'
  | 'targets, snapshot and timestamp keys'
  | 'root key below threshold'

export interface Attack {
  /** Stable: docs and reports name it. */
  readonly id: string
  readonly power: Power
  /** What the attacker does. */
  readonly tried: string
  /** What the victim does, and is asserted on its disk and memory. */
  readonly expected: string
  /** It measures memory or fills what all share, so that nothing else may run beside it. */
  readonly alone?: true
  /** What it takes: the program, or this with root's rights. */
  readonly needs?: 'nix' | 'root'
  /** Throws when the victim didn't hold. */
  run(arena: Arena): Promise<void>
}

/** The head of the table in docs/security.md. */
export const docsHead = ['| who has | tries | comes of it | test |', '| --- | --- | --- | --- |']

/** A row of the table in docs/security.md. */
export function docsRow({ id, power, tried, expected }: Attack): string {
  return `| ${power} | ${tried} | ${expected} | \`${id}\` |`
}
