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

/** How a loader names a generation in its menu. */
export type LoaderEntry =
  | { readonly loader: 'systemd-boot'; readonly id: string }
  /** `once`: its configuration takes an entry for the next boot only. */
  | { readonly loader: 'grub'; readonly id: string; readonly once: boolean }
  | { readonly loader: 'extlinux'; readonly id: string }

/** The entry of a top level below a root; nothing where no loader's files have one. */
export async function loaderEntry(root: string, topLevel: string): Promise<LoaderEntry | undefined> {
  const read = (path: string) => readFile(join(root, path), 'utf8').catch(() => '')
  const entries = (await Promise.all(bootPlaces.map(place => entriesOf(root, `${place}/loader/entries`, read)))).flat()
  const found = entries.find(entry => entry.topLevel === topLevel)
  if (found !== undefined) return { loader: 'systemd-boot', id: found.id }
  const label = extlinuxLabels(await read('boot/extlinux/extlinux.conf')).find(each => each.topLevel === topLevel)
  if (label !== undefined) return { loader: 'extlinux', id: label.name }
  const conf = await read('boot/grub/grub.cfg')
  const item = grubEntries(conf).find(each => each.topLevel === topLevel)
  return item && { loader: 'grub', id: item.place, once: /\bnext_entry\b/.test(conf) }
}

/** More than any name of an entry. */
const maxEfiBytes = 1024

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
  const inFile = (key: string) => new RegExp(`^${key}\\s+(\\S+)\\s*$`, 'm').exec(conf)?.[1]
  const fitting = (pattern: string | undefined) => (pattern === undefined ? [] : entries.filter(fits(pattern)))
  // A choice in the menu, or by bootctl, counts before the file.
  const [asked, usual] = await Promise.all(['Preferred', 'Default'].map(name => efiText(root, `LoaderEntry${name}`)))
  const preferred = fitting(asked ?? inFile('preferred')).find(({ exhausted }) => !exhausted)
  return (preferred ?? fitting(usual ?? inFile('default'))[0])?.topLevel
}

/** A text in an EFI variable of the Boot Loader Interface: four bytes of attributes, then UTF-16 with a zero at the end. */
async function efiText(root: string, name: string): Promise<string | undefined> {
  const file = join(root, 'sys/firmware/efi/efivars', `${name}-4a67b082-0a4c-41cf-b6c7-440b29bb8c4f`)
  const bytes = await readFile(file).catch(() => undefined)
  const text = bytes?.subarray(4, maxEfiBytes).toString('utf16le').replace(/\0.*$/s, '')
  return text === undefined || text === '' || text.startsWith('@') ? undefined : text
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
  return extlinuxLabels(conf).find(({ name }) => name === wanted)?.topLevel
}

function extlinuxLabels(conf: string): { name: string; topLevel: string | undefined }[] {
  return conf
    .split(/^LABEL\s+/m)
    .slice(1)
    .map(text => ({
      name: text.split(/\s/, 1)[0] ?? '',
      topLevel: initOf(/^\s*APPEND\s+(.*)$/m.exec(text)?.[1] ?? ''),
    }))
}

/**
 * GRUB: the entry of the number that `default` is set to, of those outside submenus. Where it is the last choice that was
 * saved, or a one-time one, nothing here can know.
 */
function grub(conf: string): string | undefined {
  const wanted = [...conf.matchAll(/^\s*set default="?(\d+)"?\s*$/gm)].at(-1)?.[1]
  return grubEntries(conf).find(({ place }) => place === wanted)?.topLevel
}

/** The entries by their places, as `default` and `next_entry` name them: `0`, and in a submenu `1>0`. */
function grubEntries(conf: string): { place: string; topLevel: string | undefined }[] {
  const found: { place: string; topLevel: string | undefined }[] = []
  const open: string[] = []
  const next = [0]
  for (const line of conf.split('\n')) {
    const kind = /^\s*(menuentry|submenu)\s.*\{\s*$/.exec(line)?.[1] ?? (/\{\s*$/.test(line) ? 'block' : undefined)
    if (kind === 'menuentry') found.push({ place: next.join('>'), topLevel: undefined })
    if (kind === 'submenu') next.push(0)
    if (kind !== undefined) open.push(kind)
    const last = found.at(-1)
    if (open.at(-1) === 'menuentry' && last !== undefined && /^\s*(?:linux|module)\s/.test(line)) {
      last.topLevel ??= initOf(line)
    }
    if (!/^\s*\}\s*$/.test(line)) continue
    const closed = open.pop()
    if (closed === 'submenu') next.pop()
    if (closed !== 'block') next.push((next.pop() ?? 0) + 1)
  }
  return found
}

/** The system of a kernel's command line: `init=/nix/store/…/init`. */
function initOf(commandLine: string): string | undefined {
  const path = /(?:^|\s)init=(\S+)\/init(?:\s|$)/.exec(commandLine)?.[1]
  return path !== undefined && isStorePath(path) ? path : undefined
}
