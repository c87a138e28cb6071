/** An attack: one object that the tests run, `scripts/attack` prints and docs/security.md lists. */

import type { Arena } from './arena.ts'

/** The attacker's means, weakest first. */
export type Power =
  | 'no key'
  | 'network'
  | 'another fleet'
  | 'local user'
  | 'commit'
  | 'join token'
  | 'revoked device'
  | 'device key'
  | 'controller key'
  | 'site key'
  | 'members key'
  | 'Nix key'
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
  /** The attacker's actions. */
  readonly tried: string
  /** The victim's reaction, asserted on its disk and memory. */
  readonly expected: string
  /** It measures memory or fills what all share, so that nothing else may run beside it. */
  readonly alone?: true
  /** What it takes: the program, or this with root's rights. */
  readonly needs?: 'nix' | 'root'
  /** Throws when the victim didn't hold. */
  run(arena: Arena): Promise<void>
}

/** The head of the table in docs/security.md. */
export const docsHead = ['| attacker | attack | result | test |', '| --- | --- | --- | --- |']

/** A row of the table in docs/security.md. */
export function docsRow({ id, power, tried, expected }: Attack): string {
  return `| ${power} | ${tried} | ${expected} | \`${id}\` |`
}
