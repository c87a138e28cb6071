/** What NixOS's boot loaders have as their default, read from the files that they go by: systemd-boot, extlinux and GRUB. */

import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { isStorePath } from '../../protocol/nix/store-path.ts'

/** Where the ESP or a boot partition is mounted. */
const bootPlaces = ['boot', 'efi', 'boot/efi']

/** The top level that the loader below a root would start; `undefined` where no loader's files name one. */
export async function loaderDefault(root: string): Promise<string | undefined> {
  const read = (path: string) => readFile(join(root, path), 'utf8').catch(() => '')
  return (
    (await systemdBoot(root, read)) ??
    extlinux(await read('boot/extlinux/extlinux.conf')) ??
    grub(await read('boot/grub/grub.cfg'))
  )
}

interface Entry {
  /** Without the counter: `nixos-<hash>.conf`. */
  readonly id: string
  /** Boot counting, and no tries are left (`…+0-3.conf`). */
  readonly exhausted: boolean
  readonly sortKey: string
  readonly version: string
  readonly topLevel: string | undefined
}

/**
 * systemd-boot, as loader.conf(5) has it: the entry that `preferred` names unless its tries are used up, else the first one
 * that `default` fits in the order of the Boot Loader Specification, where entries without tries come last. NixOS names
 * entries `nixos-generation-7.conf`, since 26.11 `nixos-<hash>.conf`.
 */
async function systemdBoot(root: string, read: (path: string) => Promise<string>): Promise<string | undefined> {
  const conf = (await Promise.all(bootPlaces.map(place => read(`${place}/loader/loader.conf`)))).find(
    text => text !== '',
  )
  if (conf === undefined) return undefined
  const entries = (await Promise.all(bootPlaces.map(place => entriesOf(root, `${place}/loader/entries`, read)))).flat()
  entries.sort(
    (a, b) =>
      Number(a.exhausted) - Number(b.exhausted) ||
      a.sortKey.localeCompare(b.sortKey) ||
      compareVersions(b.version, a.version) ||
      compareVersions(b.id, a.id),
  )
  const named = (key: string) => new RegExp(`^${key}\\s+(\\S+)\\s*$`, 'm').exec(conf)?.[1]
  const fitting = (pattern: string | undefined) => (pattern === undefined ? [] : entries.filter(fits(pattern)))
  const preferred = fitting(named('preferred')).find(({ exhausted }) => !exhausted)
  return (preferred ?? fitting(named('default'))[0])?.topLevel
}

/** A pattern of `*` and `?`, which may name the file with its counter, or without `.conf`. */
function fits(pattern: string): (entry: Entry) => boolean {
  const plain = withoutCounter(pattern).replaceAll(/[^\w*?]/g, '\\$&')
  const whole = new RegExp(`^${plain.replaceAll('*', '.*').replaceAll('?', '.')}(?:\\.conf)?$`)
  return ({ id }) => whole.test(id)
}

async function entriesOf(root: string, directory: string, read: (path: string) => Promise<string>): Promise<Entry[]> {
  const names = await readdir(join(root, directory)).catch(() => [])
  const files = names.filter(name => name.endsWith('.conf'))
  return await Promise.all(
    files.map(async name => {
      const text = await read(`${directory}/${name}`)
      const field = (key: string) => new RegExp(`^${key}\\s+(.*)$`, 'm').exec(text)?.[1]?.trim() ?? ''
      return {
        id: withoutCounter(name),
        exhausted: /\+0+(?:-\d+)?\.conf$/.test(name),
        sortKey: field('sort-key'),
        version: field('version'),
        topLevel: initOf(field('options')),
      }
    }),
  )
}

/** Counters of Automatic Boot Assessment: `+LEFT` or `+LEFT-DONE` before `.conf`. */
function withoutCounter(name: string): string {
  return name.replace(/\+\d+(?:-\d+)?\.conf$/, '.conf')
}

/** Digits count as numbers: generation 10 is newer than 9. */
function compareVersions(a: string, b: string): number {
  return a.localeCompare(b, 'en', { numeric: true })
}

/** extlinux: the `APPEND` of the label that `DEFAULT` names. */
function extlinux(conf: string): string | undefined {
  const wanted = /^DEFAULT\s+(\S+)\s*$/m.exec(conf)?.[1]
  const blocks = conf.split(/^LABEL\s+/m).slice(1)
  const block = blocks.find(text => text.split(/\s/, 1)[0] === wanted)
  return block === undefined ? undefined : initOf(/^\s*APPEND\s+(.*)$/m.exec(block)?.[1] ?? '')
}

/**
 * GRUB: the entry of the number that `default` is set to, of those outside submenus. Where it is the last choice that was
 * saved, or a one-time one, nothing here can know.
 */
function grub(conf: string): string | undefined {
  const wanted = [...conf.matchAll(/^\s*set default="?(\d+)"?\s*$/gm)].at(-1)?.[1]
  if (wanted === undefined) return undefined
  const [top = ''] = conf.split(/^submenu /m, 1)
  const entry = top.split(/^menuentry /m)[Number(wanted) + 1]
  return entry === undefined ? undefined : initOf(/^\s*(?:linux|module)\s.*\binit=.*$/m.exec(entry)?.[0] ?? '')
}

/** The system of a kernel's command line: `init=/nix/store/…/init`. */
function initOf(commandLine: string): string | undefined {
  const path = /(?:^|\s)init=(\S+)\/init(?:\s|$)/.exec(commandLine)?.[1]
  return path !== undefined && isStorePath(path) ? path : undefined
}
