/** A rollout as text: a line for each wave, then the devices that have not confirmed, with the reason. */

import { inWords } from '../../node/rollout/decision.ts'
import type { RolloutStatus, WaveStatus } from '../api/schemas/rollout.ts'
import { releaseName } from '../format/release-name.ts'
import { table } from '../format/table.ts'
import { stateInShort } from './fetching.ts'

/** Of the devices that wait, so many are named in a wave. */
const namedDevices = 10

export function rolloutText({ release: version, site, promotes, message, waves }: RolloutStatus): string {
  const promoted = promotes === null ? '' : `, which promotes release ${promotes.release}`
  const heading = `Release ${releaseName({ site, version })}${promoted}${message && ` (${message})`}`
  const rows = waves.map(wave => [
    String(wave.wave),
    wave.title,
    `${wave.confirmed} of ${wave.devices.length}`,
    String(wave.failed),
    wave.soakSeconds === 0 || waves.length === 1 ? '-' : inWords(wave.soakSeconds * 1000),
    stateInWords(wave),
  ])
  const lines = [heading, '', table(['WAVE', 'DEVICES', 'CONFIRMED', 'FAILED', 'SOAK', 'STATE'], rows)]
  const named = waves.flatMap(linesOf)
  return [...lines, ...(named.length > 0 ? ['', ...named] : [])].join('\n')
}

/** Such as `waiting: wave 1 has 1 of 3 confirmed, soak ends in 12 min`. */
export function stateInWords({ state, reason }: Pick<WaveStatus, 'state' | 'reason'>): string {
  return reason === null ? state : `${state}: ${reason}`
}

function linesOf({ wave, devices }: WaveStatus): string[] {
  const open = devices.filter(({ outcome }) => outcome !== 'confirmed')
  const lines = open.slice(0, namedDevices).map(({ device, outcome, reason, update, lastSeen }) => {
    const why = reason ?? (update && stateInShort({ state: 'fetching', update, lastSeen }))
    return `  wave ${wave}  ${device.padEnd(20)} ${why ? `${outcome}: ${why}` : outcome}`
  })
  return open.length > namedDevices ? [...lines, `  wave ${wave}  and ${open.length - namedDevices} more`] : lines
}
