/** Disks of the machines in QEMU: an ESP, a root with its first generation or that of a plain Debian, and the program. */

import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { bundle } from '../../../scripts/src/bundle.ts'
import { ownPrefix } from '../remains.ts'
import { mustRun } from '../run.ts'
import type { BootParts } from './parts.ts'

const repository = join(import.meta.dirname, '../../..')
const options = { timeoutMs: 120_000, env: process.env }
const espMegabytes = 96
const rootMegabytes = 1200
/** What the bundle loads by itself. */
const modules = ['classic-level', 'abstract-level', 'buffer', 'is-buffer', 'base64-js', 'ieee754', 'level-supports']
const moreModules = ['level-transcoder', 'maybe-combine-errors', 'module-error', 'napi-macros', 'node-gyp-build']
/** What finds sticks; machines that get none do without. */
const udevUnits = [
  ...['systemd-udevd.service', 'systemd-udev-trigger.service'],
  ...['systemd-udevd-control.socket', 'systemd-udevd-kernel.socket'],
]

let program: Promise<string> | undefined

/** The disk with the bundled program, made once for each test process. */
export function programDisk(): Promise<string> {
  program ??= makeProgramDisk()
  return program
}

async function makeProgramDisk(): Promise<string> {
  const directory = mkdtempSync(join(tmpdir(), `${ownPrefix}program-`))
  process.on('exit', () => rmSync(directory, { recursive: true, force: true }))
  const tree = join(directory, 'tree')
  await makeProgram(tree)
  const disk = join(directory, 'program.raw')
  await mustRun(['mkfs.ext4', '-q', '-d', tree, disk, '300M'], options)
  rmSync(tree, { recursive: true })
  return disk
}

/** Makes a folder with the bundled program, as machines have it in /opt/thymesh. */
export async function makeProgram(tree: string): Promise<void> {
  mkdirSync(join(tree, 'bin'), { recursive: true })
  mkdirSync(join(tree, 'node_modules/.bin'), { recursive: true })
  await bundle(join(tree, 'dist'), { page: false })
  symlinkSync('../dist/thymesh', join(tree, 'bin/thymesh'))
  cpSync(process.execPath, join(tree, 'node_modules/.bin/node'))
  for (const name of [...modules, ...moreModules]) {
    cpSync(join(repository, 'node_modules', name), join(tree, 'node_modules', name), { recursive: true })
  }
}

export interface FirstGeneration {
  /** The Nix store's root that has it, and its path there. */
  readonly store: string
  readonly topLevel: string
}

export interface Disks {
  readonly esp: string
  readonly root: string
}

/** A machine's disks in a folder, as an installer would leave them: the generation is installed, and nothing else. */
export async function makeDisks(
  parts: BootParts,
  { store, topLevel }: FirstGeneration,
  directory: string,
  joinFile: string,
): Promise<Disks> {
  const tree = join(directory, 'tree')
  await mustRun(['cp', '-a', join(parts.directory, 'root'), tree], options)
  writeFileSync(join(tree, 'etc/machine-id'), machineId())
  const from = ['--extra-experimental-features', 'nix-command', 'copy', '--no-check-sigs']
  await mustRun(['nix', ...from, '--from', `local?root=${store}`, '--to', `local?root=${tree}`, topLevel], options)
  const profiles = join(tree, 'nix/var/nix/profiles')
  mkdirSync(profiles, { recursive: true })
  symlinkSync(topLevel, join(profiles, 'system-1-link'))
  symlinkSync('system-1-link', join(profiles, 'system'))
  await mustRun(['chroot', tree, `${topLevel}/bin/switch-to-configuration`, 'boot'], options)
  const esp = join(directory, 'esp.raw')
  await makeEsp(esp, join(tree, 'boot'), join(parts.directory, 'systemd-bootx64.efi'), joinFile)
  rmSync(join(tree, 'boot'), { recursive: true })
  mkdirSync(join(tree, 'boot'))
  return { esp, root: await makeRoot(tree, directory) }
}

/** The disk with what is in a folder, which is removed. */
async function makeRoot(tree: string, directory: string): Promise<string> {
  const root = join(directory, 'root.raw')
  await mustRun(['mkfs.ext4', '-q', '-L', 'nixos', '-d', tree, root, `${rootMegabytes}M`], options)
  rmSync(tree, { recursive: true })
  return root
}

/** The root of a Debian machine for the portable target: udev runs, and /etc/systemd is the distribution's. */
export async function makePortableRoot(
  parts: BootParts,
  files: Readonly<Record<string, string>>,
  directory: string,
): Promise<string> {
  const tree = join(directory, 'tree')
  await mustRun(['cp', '-a', join(parts.directory, 'root'), tree], options)
  rmSync(join(tree, 'etc/systemd/system'))
  const units = join(tree, 'usr/lib/systemd/system')
  for (const unit of udevUnits) {
    const wants = join(units, `${unit.endsWith('.socket') ? 'sockets' : 'sysinit'}.target.wants`)
    mkdirSync(wants, { recursive: true })
    symlinkSync(`../${unit}`, join(wants, unit))
  }
  for (const [name, text] of Object.entries({ 'etc/machine-id': machineId(), ...files })) {
    mkdirSync(dirname(join(tree, name)), { recursive: true })
    writeFileSync(join(tree, name), text, { mode: text.startsWith('#!') ? 0o755 : 0o644 })
  }
  return await makeRoot(tree, directory)
}

const machineId = () => `${crypto.randomUUID().replaceAll('-', '')}\n`

async function makeEsp(disk: string, content: string, loader: string, joinFile: string): Promise<void> {
  await mustRun(['truncate', '-s', `${espMegabytes + 2}M`, disk], options)
  const table = `label: gpt\nstart=2048, size=${espMegabytes * 2048}, type=C12A7328-F81F-11D2-BA4B-00A0C93EC93B\n`
  await mustRun(['sfdisk', '-q', disk], { ...options, input: table })
  const partition = `${disk}.part`
  await mustRun(['mkfs.vfat', '-F', '32', '-n', 'ESP', '-C', partition, String(espMegabytes * 1024)], options)
  const mtools = (...args: string[]) => mustRun([...args.slice(0, 1), '-i', partition, ...args.slice(1)], options)
  for (const folder of ['::EFI', '::EFI/BOOT', '::EFI/systemd']) await mtools('mmd', folder)
  for (const file of ['::EFI/BOOT/BOOTX64.EFI', '::EFI/systemd/systemd-bootx64.efi'])
    await mtools('mcopy', loader, file)
  await mtools('mcopy', '-s', join(content, 'EFI/nixos'), '::EFI/')
  await mtools('mcopy', '-s', join(content, 'loader'), '::')
  await mtools('mcopy', joinFile, '::thymesh-join')
  await mustRun(['dd', `if=${partition}`, `of=${disk}`, 'bs=1M', 'seek=1', 'conv=notrunc', 'status=none'], options)
  rmSync(partition)
}
