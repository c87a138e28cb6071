/** Signed changes as lines for an operator: each place with its old and its new value, keys with their owners and words. */

import { fromHex } from '../../protocol/encoding/hash.ts'
import { visible } from '../../protocol/encoding/visible.ts'
import { keyIdOf } from '../../protocol/signing/keys.ts'
import { type Difference, type Leaf, leafText } from '../../protocol/trust/differences.ts'
import { fingerprintWords } from '../format/fingerprint.ts'
import type { SignedPart } from '../signing/signed-changes.ts'

/** The owner of a key, by its ID: `ada`, or nothing when no listed operator has it. */
export type OwnerOf = (keyId: string) => string | undefined

/** Lines of all parts. Places of the same change in several devices or configs share one line that names all of them. */
export function signedChangesText(parts: readonly SignedPart[], ownerOf: OwnerOf): string[] {
  return parts.flatMap(({ name, differences }) => [
    `  ${name}:${differences.length === 0 ? ' unchanged' : ''}`,
    ...grouped(differences).flatMap(group => linesOf(group, ownerOf)),
  ])
}

/** One change at one or more places that differ in one name only, such as those of devices. */
interface Group {
  /** Before and after the name that differs; `tail` is missing where there is one place. */
  readonly names: readonly string[]
  readonly head: readonly string[]
  readonly tail: readonly string[]
  readonly change: Difference
}

function grouped(differences: readonly Difference[]): Group[] {
  const groups = new Map<string, { names: string[]; group: Group }>()
  for (const change of differences) {
    const path = change.path.map(step => pathText(step))
    // The second step names a device or a config: `devices.kiosk-7.config`.
    const [head, names, tail] = path.length > 2 ? [path.slice(0, 1), path.slice(1, 2), path.slice(2)] : [path, [], []]
    const key = JSON.stringify([names.length, head, tail, textOf(change.before), textOf(change.after)])
    const known = groups.get(key)
    if (known !== undefined) known.names.push(...names)
    else {
      const own = [...names]
      groups.set(key, { names: own, group: { names: own, head, tail, change } })
    }
  }
  return [...groups.values()].map(({ group }) => group)
}

function pathText(step: string | number): string {
  return typeof step === 'number' ? `[${step}]` : /^[\w/+@-]+$/.test(step) ? step : visible(JSON.stringify(step))
}

function linesOf({ names, head, tail, change }: Group, ownerOf: OwnerOf): string[] {
  const { before, after } = change
  const name = names.length === 0 ? [] : [names.length === 1 ? (names[0] ?? '') : `{${names.join(', ')}}`]
  const place = [...head, ...name, ...tail].join('.')
  const owner = [...change.path].flatMap(step => (typeof step === 'string' ? keyNote(step, ownerOf) : []))
  const label = `    ${place}${owner.length > 0 ? ` (${owner.join('; ')})` : ''}:`
  if (Array.isArray(before) && Array.isArray(after)) {
    const [was, is] = [before.map(textOf), after.map(textOf)]
    if (isEditOf(was, is)) {
      const gone = was.filter(item => !is.includes(item)).map(item => `      - ${item}${noted(item, ownerOf)}`)
      const come = is.filter(item => !was.includes(item)).map(item => `      + ${item}${noted(item, ownerOf)}`)
      return [label, ...gone, ...come]
    }
  }
  return [`${label} ${valueText(before, ownerOf)} → ${valueText(after, ownerOf)}`]
}

/** Whether additions at the end and removals say all: nothing is there twice, and what stays keeps its order. */
function isEditOf(before: readonly string[], after: readonly string[]): boolean {
  const stays = before.filter(item => after.includes(item))
  const isSet = (items: readonly string[]) => new Set(items).size === items.length
  return isSet(before) && isSet(after) && stays.every((item, at) => after[at] === item)
}

function valueText(leaf: Leaf | undefined, ownerOf: OwnerOf): string {
  return leaf === undefined ? 'nothing' : `${textOf(leaf)}${noted(textOf(leaf), ownerOf)}`
}

/** A leaf in full, whatever its length: nothing that is signed is cut. */
function textOf(leaf: Leaf | undefined): string {
  return leaf === undefined ? 'nothing' : visible(leafText(leaf), Number.POSITIVE_INFINITY)
}

function noted(text: string, ownerOf: OwnerOf): string {
  const notes = [...text.matchAll(/(?<![0-9a-f])[0-9a-f]{64}(?![0-9a-f])/g)].flatMap(([hex]) => keyNote(hex, ownerOf))
  return notes.length > 0 ? `  ${notes.join('; ')}` : ''
}

/** The owner of this key and its words; nothing if it isn't an operator's key in the old root or in the new one. */
function keyNote(hex: string, ownerOf: OwnerOf): string[] {
  if (!/^[0-9a-f]{64}$/.test(hex)) return []
  for (const id of [hex, keyIdOf(fromHex(hex))]) {
    const owner = ownerOf(id)
    if (owner !== undefined) return [`key of ${visible(owner)}: ${fingerprintWords(id)}`]
  }
  return []
}
