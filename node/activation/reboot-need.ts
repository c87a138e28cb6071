/** Why a generation takes effect only at a boot: the kernel, what goes with it, or files that are read only then. */

import { readFile, readlink } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import type { Target } from '../../protocol/encoding/fields.ts'

export interface RebootNeed {
  /** What has changed, in words. */
  readonly reason: string
  /** The generation refuses a switch: without a boot it can't run at all. */
  readonly refusesSwitch: boolean
}

/** Folders in which the files of the top levels lie. */
export interface Generations {
  /** What the machine has booted: on NixOS its kernel runs on after a switch. */
  readonly booted: string
  readonly running: string
  readonly next: string
}

/** Below /etc, what the portable target's programs read only when the machine starts: nix/portable/switch/early.sh says the same. */
export const readAtBoot: readonly string[] = ['systemd/logind.conf.d', 'modprobe.d']

/** What of the next generation only a boot brings; nothing when a switch is enough. */
export function rebootNeed(target: Target, generations: Generations): Promise<RebootNeed | undefined> {
  return target === 'nixos' ? nixosNeed(generations) : portableNeed(generations)
}

async function nixosNeed({ booted, running, next }: Generations): Promise<RebootNeed | undefined> {
  const refusing = [
    ...(await changedInhibitors(running, next)),
    ...((await differs(running, next, 'init-interface-version', textOf)) ? ['the interface of init'] : []),
  ]
  const changed: string[] = []
  for (const [file, words, read] of parts) if (await differs(booted, next, file, read)) changed.push(words)
  const all = [...changed, ...refusing]
  if (all.length === 0) return undefined
  return { reason: `${all.join(', ')} changed`, refusesSwitch: refusing.length > 0 }
}

type Read = (path: string) => Promise<string | undefined>

const textOf: Read = path => readFile(path, 'utf8').catch(() => undefined)
const linkOf: Read = path => readlink(path).catch(() => undefined)
/** A rebuild of the same version is switched to: systemd runs itself anew. */
const versionOf: Read = async path => (await linkOf(path))?.replace(/^.*\/[a-z0-9]{32}-/, '')

/** Parts of a NixOS top level that a switch leaves as they were booted. */
const parts: readonly (readonly [file: string, words: string, read: Read])[] = [
  ['kernel', 'the kernel', linkOf],
  ['kernel-modules', "the kernel's modules", linkOf],
  ['initrd', 'the initrd', linkOf],
  ['kernel-params', "the kernel's parameters", textOf],
  ['systemd', "systemd's version", versionOf],
]

/** Whether a part is another one; a generation without the part says nothing about it. */
async function differs(before: string, after: string, file: string, read: Read): Promise<boolean> {
  const [a, b] = await Promise.all([read(join(before, file)), read(join(after, file))])
  return a !== undefined && b !== undefined && a !== b
}

const inhibitorsSchema = z.record(z.string().max(200), z.string().max(10_000))

/** Switch inhibitors of NixOS 26.05 and newer whose values differ; one that only one of the two has doesn't count. */
async function changedInhibitors(running: string, next: string): Promise<string[]> {
  const [before, after] = await Promise.all([running, next].map(inhibitorsOf))
  return Object.keys(after ?? {})
    .filter(name => before?.[name] !== undefined && before[name] !== after?.[name])
    .map(name => `the switch inhibitor ${name}`)
}

async function inhibitorsOf(topLevel: string): Promise<Record<string, string>> {
  const text = (await textOf(join(topLevel, 'switch-inhibitors'))) ?? '{}'
  try {
    return inhibitorsSchema.parse(JSON.parse(text))
  } catch {
    // Of another form: switch-to-configuration itself says whether it refuses.
    return {}
  }
}

async function portableNeed({ running, next }: Generations): Promise<RebootNeed | undefined> {
  const [before, after] = await Promise.all([running, next].map(filesAtBoot))
  const names = [...new Set([...(before ?? []), ...(after ?? [])])]
  const changed = new Set<string>()
  for (const name of names) {
    const [a, b] = await Promise.all([running, next].map(top => textOf(join(top, 'etc', name))))
    if (a !== b) changed.add(readAtBoot.find(folder => isIn(folder, name)) ?? name)
  }
  if (changed.size === 0) return undefined
  return { reason: `${[...changed].map(folder => `/etc/${folder}`).join(', ')} changed`, refusesSwitch: false }
}

async function filesAtBoot(topLevel: string): Promise<string[]> {
  const list = (await textOf(join(topLevel, 'thymesh/etc-files'))) ?? ''
  return list.split('\n').filter(name => readAtBoot.some(folder => isIn(folder, name)))
}

function isIn(folder: string, name: string): boolean {
  return name === folder || name.startsWith(`${folder}/`)
}
