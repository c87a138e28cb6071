/** The fleet's builders as a build uses them: each is reached by ssh over the mesh when it is first asked. */

import { tmpdir } from 'node:os'
import { HintedError } from '../../protocol/errors.ts'
import { grantsFor, rightsOf } from '../../protocol/release/access.ts'
import { hostKeyIn } from '../../protocol/report/ssh-host-key.ts'
import type { FleetBuilders } from '../build/build-anywhere.ts'
import { buildersFor, builderUser } from '../build/builders.ts'
import type { NixWay } from '../build/nix.ts'
import type { DeclaredFleet } from '../project/declared-fleet.ts'
import { openDeviceStream } from './device-streams.ts'
import { deviceNamed } from './reach.ts'
import type { Session } from './session.ts'
import { prepareSsh, type SshClient } from './ssh-ways.ts'

/** A builder that isn't there should not keep a build waiting that can be done elsewhere. */
const reachSeconds = 15

/**
 * Nobody is there to answer ssh. A builder that is gone is noticed within a minute: the mesh ends its stream earlier, if it can.
 */
const sshSettings = ['BatchMode yes', 'ServerAliveInterval 15', 'ServerAliveCountMax 4']

/** Works with the builders that a project declares; the ways to them are closed afterwards. `session` is asked with the first need. */
export async function withFleetBuilders<T>(
  session: () => Promise<Session>,
  fleet: DeclaredFleet,
  work: (builders: FleetBuilders) => Promise<T>,
): Promise<T> {
  const clients: SshClient[] = []
  const open = async (device: string): Promise<NixWay> => {
    const at = await session()
    requireGrant(at, device)
    // One for each build: the first connection of a client is of that build alone.
    const client = await clientFor(at, device)
    clients.push(client)
    await client.open(device)
    return { device, uri: `ssh-ng://${builderUser}@${device}`, env: { NIX_SSHOPTS: `-F ${client.config}` } }
  }
  try {
    return await work({
      systemOf: config => (Object.hasOwn(fleet.configs, config) ? fleet.configs[config]?.system : undefined),
      buildersFor: system => buildersFor(fleet, system),
      open,
    })
  } finally {
    for (const client of clients) await client.stop()
  }
}

async function clientFor(session: Session, device: string): Promise<SshClient> {
  const { peer } = session
  const report = peer.directory.report(deviceNamed(peer, device).peer)?.document
  const target = { device, hostKey: (report && hostKeyIn(report)) ?? null }
  const openStream = (options: Parameters<typeof openDeviceStream>[1]) => openDeviceStream(session, options)
  const way = { alias: device, target, user: builderUser }
  const client = await prepareSsh({ openStream, wait: reachSeconds, settings: sshSettings }, [way])
  // Nix cuts what it hands to ssh at spaces.
  if (!/\s/.test(client.config)) return client
  await client.stop()
  throw new HintedError('temporary-folder', `expected a folder for temporary files without spaces, got ${tmpdir()}`, {
    hint: 'Name another one: TMPDIR=/tmp thymesh …',
  })
}

/** Throws a HintedError where no grant of the accepted release lets anybody build on the device: it need not be asked. */
function requireGrant({ peer }: Session, device: string): void {
  const { accepted } = peer.state
  const { name, site } = deviceNamed(peer, device)
  const rights = accepted && rightsOf(grantsFor(accepted, { name, site }, new Date()), builderUser)
  if ([...(rights?.values() ?? [])].some(({ may }) => may.includes('exec'))) return
  throw new HintedError('not-granted', `nobody is granted to build on ${device}`, {
    hint: `thymesh access grant NAME --device ${device} --user ${builderUser} --may exec`,
  })
}
