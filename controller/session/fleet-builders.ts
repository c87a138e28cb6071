/** What the fleet does for a build: devices that build, reached by ssh over the mesh, and systems that were released already. */

import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { exists } from '../../node/files/missing.ts'
import { releasesOf } from '../../node/state/releases.ts'
import { HintedError } from '../../protocol/errors.ts'
import { grantsFor, rightsOf } from '../../protocol/release/access.ts'
import { hostKeyIn } from '../../protocol/report/ssh-host-key.ts'
import type { FleetBuilders, ReleasedSystem } from '../build/build-anywhere.ts'
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

export interface BuildSession {
  /** The controller that runs; one is started with the first need where none does. */
  readonly session: () => Promise<Session>
  readonly isRunning: boolean
  /** The root of the Nix store. */
  readonly store: string | undefined
}

/** Works with what a declared fleet has for builds; the ways to builders are closed afterwards. */
export async function withFleetBuilders<T>(
  { session, isRunning, store }: BuildSession,
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
      released: async (config, hard) => {
        // A build that this machine can do needs no mesh.
        const at = isRunning || hard ? await session().catch(() => undefined) : undefined
        return at === undefined ? [] : await releasedSystems(at, config, store)
      },
    })
  } finally {
    for (const client of clients) await client.stop()
  }
}

/** Those that are not in the store, while anybody is there to bring them. */
async function releasedSystems(
  { peer }: Session,
  config: string,
  store: string | undefined,
): Promise<readonly ReleasedSystem[]> {
  const found: ReleasedSystem[] = []
  if (peer.neighbours.members.length === 0) return found
  for (const { configs } of releasesOf(peer.state.accepted)) {
    const released = Object.hasOwn(configs, config) ? configs[config] : undefined
    if (released === undefined || (await exists(join(store ?? '/', released.topLevel)))) continue
    found.push({
      topLevel: released.topLevel,
      fetched: async (work, signal = new AbortController().signal) => {
        const held = await peer.closures.fetch(released, { signal })
        await work().finally(() => held.release())
      },
    })
  }
  return found
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
