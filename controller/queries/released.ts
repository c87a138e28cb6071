/** The paths in each config's closure of a release, for `thymesh diff` to compare with what was built. */

import type { ControllerPeer } from '../../node/peer/controller-peer.ts'
import { closureCodec } from '../../protocol/closure/closure.ts'
import { FormatError } from '../../protocol/encoding/cbor.ts'
import { hashOfCid } from '../../protocol/encoding/cid.ts'
import { HintedError } from '../../protocol/errors.ts'
import { requireWhole } from '../../protocol/release/join-shards.ts'
import type { ReleasedConfig } from '../../protocol/release/release.ts'
import { ShardError } from '../../protocol/release/shards.ts'
import type { Released } from '../api/schemas/releases.ts'
import type { SizedPath } from '../nix/closure-diff.ts'
import type { Session } from '../session/session.ts'
import { knownRelease } from './known-release.ts'

export async function queryReleased(
  { peer: { state } }: Session,
  { release: wanted }: { release?: number | undefined },
): Promise<Released> {
  const release = wanted === undefined ? state.accepted?.release : await knownRelease(state, wanted, undefined)
  if (release === undefined) {
    throw new HintedError('unknown-version', 'this controller knows no release yet', {
      hint: '`thymesh releases` lists the releases that it knows.',
    })
  }
  const configs: Released['configs'] = {}
  for (const [name, config] of Object.entries(release.configs)) {
    configs[name] = (await closurePathsOf(state, config)) ?? []
  }
  const devices = Object.entries(release.devices).map(([name, { config }]) => [name, config])
  return { release: release.version, configs, devices: Object.fromEntries(devices) }
}

/** What is said beside a comparison with a release of which not all is here; nothing of a whole one. */
export async function lackingNote(
  { peer: { state } }: Session,
  { release: wanted }: { release?: number | undefined },
): Promise<string | undefined> {
  const release = wanted === undefined ? state.accepted?.release : await knownRelease(state, wanted, undefined)
  try {
    if (release !== undefined) requireWhole(release)
    return undefined
  } catch (thrown) {
    if (!(thrown instanceof ShardError || thrown instanceof FormatError)) throw thrown
    return `Note: ${thrown.message}. What they say is not compared.`
  }
}

/** Nothing where this controller lacks the closure's descriptor. */
export async function closurePathsOf(
  state: Pick<ControllerPeer['state'], 'document'>,
  { closure }: Pick<ReleasedConfig, 'closure'>,
): Promise<SizedPath[] | undefined> {
  const bytes = await state.document(hashOfCid(closure))
  return bytes && closureCodec.decode(bytes).paths.map(({ path, narSize }) => ({ path, narSize }))
}
