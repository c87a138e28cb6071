/** The daemon's unit in packages. */

import { readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'

const repository = resolve(import.meta.dirname, '../../..')

/** For a program below this prefix; hardened as on NixOS. */
export async function unitFile(prefix: string): Promise<string> {
  const hardening = JSON.parse(await readFile(join(repository, 'nix/node-hardening.json'), 'utf8'))
  const lines = Object.entries(hardening as Record<string, boolean | string | string[]>).map(
    ([name, value]) => `${name}=${Array.isArray(value) ? value.join(' ') : value === true ? 'yes' : value}`,
  )
  return `[Unit]
Description=Thymesh device daemon
Documentation=man:thymesh-node(1)
Wants=network-online.target
After=network-online.target nix-daemon.socket
# A machine that has joined no fleet has nothing to run.
ConditionPathExists=|/var/lib/thymesh/identity.key
ConditionPathExists=|/etc/thymesh/node.json

[Service]
Type=exec
ExecStart=${prefix}/bin/thymesh node
Environment=HOME=/var/lib/thymesh
Restart=always
RestartSec=5
StateDirectory=thymesh
StateDirectoryMode=0700
RuntimeDirectory=thymesh
RuntimeDirectoryPreserve=yes
OOMScoreAdjust=-500
${lines.join('\n')}

[Install]
WantedBy=multi-user.target
`
}
