/** The paths in each config's closure of a release, for `thymesh diff` to compare with what was built. */

import { closureCodec } from '../../protocol/closure/closure.ts'
import { hashOfCid } from '../../protocol/encoding/cid.ts'
import { HintedError } from '../../protocol/errors.ts'
import type { Released } from '../api/schemas/releases.ts'
import type { Session } from '../session/session.ts'

export async function queryReleased(
  { peer: { state } }: Session,
  { release: wanted }: { release?: number | undefined },
): Promise<Released> {
  const release = wanted === undefined ? state.accepted?.release : await state.release(wanted)
  if (release === undefined) {
    throw new HintedError(
      'unknown-version',
      wanted === undefined ? 'this controller knows no release yet' : `this controller doesn't know release ${wanted}`,
      {
        hint: '`thymesh releases` lists the releases that it knows.',
      },
    )
  }
  const configs: Released['configs'] = {}
  for (const [name, { closure }] of Object.entries(release.configs)) {
    const bytes = await state.document(hashOfCid(closure))
    const paths = bytes === undefined ? [] : closureCodec.decode(bytes).paths
    configs[name] = paths.map(({ path, narSize }) => ({ path, narSize }))
  }
  return { release: release.version, configs }
}
