/** For which systems this machine's Nix can build: its own, those that it emulates, and those of its remote builders. */

import { readFile } from 'node:fs/promises'
import { z } from 'zod'
import { jsonOf } from '../../protocol/encoding/json.ts'
import { commonFlags, runNix, storeLimit } from '../nix/nix-program.ts'

const value = <T extends z.ZodType>(schema: T) => z.object({ value: schema })
/** What `nix show-config --json` says of the settings that decide it. */
const settingsSchema = z.object({
  system: value(z.string()),
  'extra-platforms': value(z.array(z.string())),
  builders: value(z.string()),
})
/** nix.conf(5): a file in the place of builders, and a file of builders within them. */
const fileMark = '@'
const maxFiles = 10

export interface UnbuildableConfig {
  readonly config: string
  readonly system: string
}

/** Systems such as `x86_64-linux`. */
export interface BuildSystems {
  /** That of this machine's processor. */
  readonly own: string
  /** With those that it emulates, and those of its builders. */
  readonly all: ReadonlySet<string>
}

/**
 * Whether a builder can be reached is not asked: that is seen when it is needed. Undefined where this Nix doesn't tell. Throws a
 * BuildError without Nix.
 */
export async function buildSystems(): Promise<BuildSystems | undefined> {
  const ended = await runNix('nix', ['show-config', '--json', ...(await commonFlags())], { limit: storeLimit })
  const told = settingsSchema.safeParse(jsonOf(ended.stdout))
  if (!told.success) return undefined
  const { system, builders, ...settings } = told.data
  const lines = await builderLines(builders.value)
  const all = new Set([system.value, ...settings['extra-platforms'].value, ...systemsOf(lines, system.value)])
  return { own: system.value, all }
}

/** The configs that no builder is there for. */
export function unbuildable(
  configs: Readonly<Record<string, { readonly system: string }>>,
  systems: ReadonlySet<string>,
): UnbuildableConfig[] {
  return Object.entries(configs)
    .filter(([, { system }]) => !systems.has(system))
    .map(([config, { system }]) => ({ config, system }))
}

/** What to do so that a system is built. */
export function buildHint(system: string): string {
  return (
    `Let a device build it (module builder), name a builder in nix.conf (builders = ssh://USER@HOST ${system}), or emulate it: ` +
    `apt-get install qemu-user-static, and extra-platforms = ${system} in nix.conf.`
  )
}

/** The lines of the setting `builders`, those of the files that it names included; a missing file has none. */
async function builderLines(setting: string, read = readText, files = 0): Promise<string[]> {
  const lines = setting.split(/[;\n]/).map(line => line.replace(/#.*/, '').trim())
  const all: string[] = []
  for (const line of lines) {
    if (line === '') continue
    if (!line.startsWith(fileMark)) all.push(line)
    else if (files < maxFiles) all.push(...(await builderLines(await read(line.slice(1)), read, files + 1)))
  }
  return all
}

/** Each line has the builder's address and then its systems, separated by commas; `-` stands for our own. */
function systemsOf(lines: readonly string[], own: string): string[] {
  return lines.flatMap(line => {
    const systems = line.split(/\s+/)[1] ?? '-'
    return systems === '-' ? [own] : systems.split(',')
  })
}

async function readText(file: string): Promise<string> {
  return await readFile(file, 'utf8').catch(() => '')
}
