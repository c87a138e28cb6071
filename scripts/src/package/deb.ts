/** The .deb: the tree below /usr, the daemon's unit, and scripts that start, stop and purge it as Debian's do. */

import { execFile } from 'node:child_process'
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import type { Architecture } from './architecture.ts'
import { type Common, makeTree, settle, zipped } from './tree.ts'
import { unitFile } from './unit.ts'

const run = promisify(execFile)
const repository = resolve(import.meta.dirname, '../../..')
const maintainer = 'Thymesh <maintainers@thymesh.org>'

export interface Build {
  readonly architecture: Architecture
  readonly version: string
  /** Seconds since 1970: the date of all files. */
  readonly epoch: number
  /** Whether it is made for a test, which has no time to compress. */
  readonly quick: boolean
}

/** Makes the package in a folder; `work` is an empty one for its files. */
export async function makeDeb(build: Build, common: Common, work: string, into: string): Promise<string> {
  const { architecture, version, epoch, quick } = build
  await makeTree(join(work, 'usr'), architecture, common)
  const units = join(work, 'usr/lib/systemd/system')
  await mkdir(units, { recursive: true })
  await writeFile(join(units, 'thymesh.service'), await unitFile('/usr'))
  await writeDocs(join(work, 'usr/share'), build)
  const control = join(work, 'DEBIAN')
  await mkdir(control)
  await writeFile(join(control, 'control'), controlFile(build, await kilobytes(work)))
  await writeFile(join(control, 'md5sums'), await md5sums(work))
  for (const [name, text] of Object.entries(scripts)) await writeFile(join(control, name), `#!/bin/sh\n${text}`)
  await settle(work, epoch)
  const file = join(into, `thymesh_${version}_${architecture.debian}.deb`)
  // One thread: with more, xz cuts its blocks by their number.
  const compression = quick ? ['-Zgzip', '-z1'] : ['-Zxz', '-z6']
  const args = ['--root-owner-group', '--threads-max=1', ...compression, '--build', work, file]
  await run('dpkg-deb', args, { env: { ...process.env, SOURCE_DATE_EPOCH: String(epoch) } })
  return file
}

function controlFile({ architecture, version }: Build, size: number): string {
  return `Package: thymesh
Version: ${version}
Architecture: ${architecture.debian}
Maintainer: ${maintainer}
Installed-Size: ${size}
Depends: libc6 (>= 2.28), libgcc-s1 (>= 3.4), libstdc++6 (>= 10), init-system-helpers (>= 1.54~)
Recommends: nix-bin (>= 2.8), git, openssh-client
Suggests: nix-setup-systemd
Section: admin
Priority: optional
Homepage: https://github.com/thymesh/thymesh
Description: fleets of Linux devices declared in Nix, without a server
 Thymesh manages fleets of Linux devices that are declared in Nix. Devices
 and operators' controllers are peers of one private mesh: signed releases
 spread by gossip, and devices fetch what they lack from peers nearby.
 .
 This package has the command thymesh, which is both, and its service for
 devices. The service starts once the machine has joined a fleet.
`
}

/**
 * Whether a release's unit is over that of the package, as nix/modules/thymesh/daemon.nix says it. Then the daemon that runs isn't
 * the package's: nothing here starts, stops or forgets it.
 */
const ofRelease = `of_release() {
  case $(readlink /run/systemd/system/thymesh.service || true) in /run/current-system/*) true ;; *) false ;; esac
}
`

/** Debian's own snippets (deb-systemd-helper) for a unit that is enabled and started at once. */
const scripts: Readonly<Record<string, string>> = {
  postinst: `set -e
${ofRelease}case "$1" in
  configure | abort-upgrade | abort-deconfigure | abort-remove)
    deb-systemd-helper unmask thymesh.service >/dev/null || true
    if of_release && [ -z "$2" ]; then
      # By hand: systemctl would enable the unit that is over this one.
      mkdir -p /etc/systemd/system/multi-user.target.wants
      ln -sfn /usr/lib/systemd/system/thymesh.service /etc/systemd/system/multi-user.target.wants/thymesh.service
      deb-systemd-helper update-state thymesh.service >/dev/null || true
    elif deb-systemd-helper --quiet was-enabled thymesh.service; then
      deb-systemd-helper enable thymesh.service >/dev/null || true
    else
      deb-systemd-helper update-state thymesh.service >/dev/null || true
    fi
    if [ -d /run/systemd/system ]; then
      systemctl --system daemon-reload >/dev/null || true
      if [ -n "$2" ]; then action=restart; else action=start; fi
      if of_release; then echo "The daemon of a release goes on; this package's runs when no release brings one."
      else deb-systemd-invoke "$action" thymesh.service >/dev/null || true
      fi
    fi
    ;;
esac
`,
  prerm: `set -e
${ofRelease}if [ "$1" = remove ] && [ -d /run/systemd/system ] && ! of_release; then
  deb-systemd-invoke stop thymesh.service >/dev/null || true
fi
`,
  postrm: `set -e
${ofRelease}if [ "$1" = remove ] && [ -d /run/systemd/system ]; then
  systemctl --system daemon-reload >/dev/null || true
fi
if [ "$1" = purge ]; then
  if command -v deb-systemd-helper >/dev/null; then
    deb-systemd-helper purge thymesh.service >/dev/null || true
  fi
  # The device's key with it: a machine without the package must not be a member any more. One that has its daemon from a
  # release is one still, until it leaves.
  if of_release; then echo "The daemon of a release runs here: its state and its key stay. To leave the fleet: thymesh retire NAME, on the laptop."
  else rm -rf /var/lib/thymesh /etc/thymesh
  fi
fi
`,
}

async function writeDocs(share: string, { version, epoch }: Build): Promise<void> {
  const docs = join(share, 'doc/thymesh')
  const license = await readFile(join(repository, 'LICENSE'), 'utf8')
  const year = new Date(epoch * 1000).getUTCFullYear()
  await writeFile(join(docs, 'copyright'), copyright(license, year))
  const date = new Date(epoch * 1000).toUTCString().replace('GMT', '+0000')
  const changes = `thymesh (${version}) unstable; urgency=medium

  * See /usr/share/doc/thymesh/changes.md.gz.

 -- ${maintainer}  ${date}
`
  await writeFile(join(docs, 'changelog.gz'), zipped(changes))
  await writeFile(join(docs, 'changes.md.gz'), zipped(await readFile(join(repository, 'CHANGELOG.md'))))
  await mkdir(join(share, 'lintian/overrides'), { recursive: true })
  await writeFile(join(share, 'lintian/overrides/thymesh'), overrides)
}

function copyright(license: string, year: number): string {
  if (!license.includes('Apache License')) throw new Error('expected the Apache licence in LICENSE')
  return `Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: Thymesh
Source: https://github.com/thymesh/thymesh

Files: *
Copyright: ${year} the authors of Thymesh
License: Apache-2.0
 On Debian systems, the text of the Apache License 2.0 is in
 /usr/share/common-licenses/Apache-2.0.

Files: usr/lib/thymesh/node/bin/node
Copyright: Node.js contributors, and those of the libraries in it
License: Node
 Node and the libraries in it have the licences in
 /usr/share/doc/thymesh/node.copyright.gz.

Files: usr/lib/thymesh/dist/*.LEGAL.txt usr/lib/thymesh/node_modules/*
Copyright: the authors that the licences beside these files name
License: Various
 The licence of each npm package lies beside its files.
`
}

const overrides = `# Node as its project has built it, by the hash that the sources pin: stripped or rebuilt it would be another one.
thymesh: unstripped-binary-or-object *
thymesh: embedded-library *
thymesh: hardening-no-pie *
thymesh: hardening-no-fortify-functions *
thymesh: hardening-no-bindnow *
thymesh: binary-has-unneeded-section *
thymesh: spelling-error-in-binary *
# The licences of npm packages lie beside them, as they ask.
thymesh: extra-license-file *
thymesh: package-contains-documentation-outside-usr-share-doc *
# The Nix files are those of the sources, with their modes: others would give devices' systems other store paths.
thymesh: script-not-executable *
# It is for systemd.
thymesh: package-supports-alternative-init-but-no-init.d-script *
# dash and bash, Debian's shells, have it.
thymesh: bash-term-in-posix-shell *
`

async function files(work: string): Promise<string[]> {
  const entries = await readdir(work, { recursive: true, withFileTypes: true })
  return entries
    .filter(entry => entry.isFile())
    .map(entry => join(entry.parentPath, entry.name).slice(work.length + 1))
    .filter(path => !path.startsWith('DEBIAN/'))
    .sort()
}

/** As dpkg-gencontrol counts: files in whole kilobytes, and one for everything else. */
async function kilobytes(work: string): Promise<number> {
  const sizes = await Promise.all((await files(work)).map(async path => (await stat(join(work, path))).size))
  return sizes.reduce((sum, size) => sum + Math.ceil(size / 1024), 0)
}

async function md5sums(work: string): Promise<string> {
  const { stdout } = await run('md5sum', ['--', ...(await files(work))], { cwd: work, maxBuffer: 1 << 24 })
  return stdout
}
