/** Documents as targets: every fixture's decoder, begun from its golden bytes. */

import { decode as decodeCbor, encode as encodeCbor } from '@ipld/dag-cbor'
import { base64url } from 'multiformats/bases/base64'
import { decodeRecipe, encodeRecipe } from '../../../protocol/closure/recipe.ts'
import { FormatError } from '../../../protocol/encoding/cbor.ts'
import { sha256 } from '../../../protocol/encoding/hash.ts'
import { verifyOpened } from '../../../protocol/report/extended-report.ts'
import { ReportError } from '../../../protocol/report/report.ts'
import { releaseTarget } from '../../../protocol/trust/fleet.ts'
import { MetadataError, parseMetadata } from '../../../protocol/trust/metadata.ts'
import { customOf, extensionsIn } from '../../../protocol/trust/release-extensions.ts'
import {
  TrustError,
  updateRoot,
  updateSnapshot,
  updateTargets,
  updateTimestamp,
} from '../../../protocol/trust/trusted-set.ts'
import { makeExtendedFixtures } from '../../helpers/extended-fixtures.ts'
import type { Fixture } from '../../helpers/fixture.ts'
import { makeFixtures } from '../../helpers/fixtures.ts'
import { testFleet, testNow } from '../../helpers/fleet.ts'
import { mutateBytes } from './mutate-bytes.ts'
import { mutateCbor, mutateJson } from './mutate-values.ts'
import type { Random } from './random.ts'
import { type Target, UnstableError } from './target.ts'

/** The formats of all fixtures; a new one is fuzzed from the day it has golden bytes. */
export function documentTargets(recipe: Uint8Array): Target[] {
  const formats = Map.groupBy([...makeFixtures(), ...makeExtendedFixtures()], ({ format }) => format)
  const documents = [...formats].flatMap(([format, fixtures]) => targetOf(format, fixtures))
  return [...documents, ...verificationTargets(), ...extensionTargets(), recipeTarget(recipe)]
}

function targetOf(format: string, fixtures: readonly Fixture[]): Target[] {
  const [first] = fixtures
  if (first === undefined) return []
  const kind = first.name.split('.').at(-1)
  return [
    {
      name: format,
      seeds: fixtures.map(({ bytes }) => bytes),
      refusals: [kind === 'json' ? MetadataError : FormatError],
      run: bytes => {
        first.decode(bytes)
        // Fields that TUF does not know are kept as they are; canonical JSON has no fractions, so those can't be written.
        if (kind === 'json' && hasFraction(bytes)) return
        const once = first.again(bytes)
        // A canonical document has one encoding: what was read is what is written.
        if (kind === 'cbor' && !Buffer.from(once).equals(bytes)) throw new UnstableError('written otherwise than read')
        if (!Buffer.from(first.again(once)).equals(once)) throw new UnstableError('read otherwise than written')
      },
      mutate:
        kind === 'json' ? mutateJson : kind === 'dsse' ? mutateEnvelope : kind === 'txt' ? mutateToken : mutateCbor,
    },
  ]
}

function hasFraction(bytes: Uint8Array): boolean {
  let found = false
  JSON.parse(Buffer.from(bytes).toString(), (_, value) => {
    found ||= typeof value === 'number' && !Number.isInteger(value)
    return value
  })
  return found
}

/** The payload changed within the envelope, as a thief of the key could sign it; or the envelope itself. */
function mutateEnvelope(bytes: Uint8Array, random: Random): Uint8Array | undefined {
  if (random.once(3)) return mutateCbor(bytes, random)
  try {
    const envelope = decodeCbor(bytes) as { payload: Uint8Array }
    const payload = mutateCbor(envelope.payload, random)
    return payload && encodeCbor({ ...envelope, payload })
  } catch {
    return undefined
  }
}

const prefix = 'thymesh-join-1.'

/** A token changed beneath its checksum. */
function mutateToken(bytes: Uint8Array, random: Random): Uint8Array | undefined {
  try {
    const all = base64url.baseDecode(Buffer.from(bytes).toString().slice(prefix.length))
    const body = all.subarray(0, -4)
    const changed = mutateCbor(body, random) ?? mutateBytes(body, random, body)
    return Buffer.from(prefix + base64url.baseEncode(Buffer.concat([changed, sha256(changed).subarray(0, 4)])))
  } catch {
    return undefined
  }
}

/** Reports and releases of version 2: a reader takes only what is signed, and writes the same extensions that it read. */
function extensionTargets(): Target[] {
  const [report, targets] = makeExtendedFixtures()
  if (report === undefined || targets === undefined) return []
  const { fleet } = testFleet()
  return [
    {
      name: 'verified report of version 2',
      seeds: [report.bytes],
      refusals: [FormatError, ReportError],
      mutate: mutateEnvelope,
      run: bytes => verifyOpened(bytes, fleet),
    },
    {
      name: 'extensions of a release',
      seeds: [targets.bytes],
      refusals: [MetadataError],
      mutate: mutateJson,
      run: bytes => {
        const read = extensionsIn(parseMetadata('targets', bytes), releaseTarget)
        if (read !== undefined && customOf(read).custom === undefined) throw new UnstableError('lost its extensions')
      },
    },
  ]
}

function recipeTarget(golden: Uint8Array): Target {
  return {
    name: 'recipe',
    seeds: [golden],
    refusals: [FormatError],
    mutate: mutateCbor,
    run: bytes => {
      if (!Buffer.from(encodeRecipe(decodeRecipe(bytes))).equals(bytes)) throw new UnstableError('written otherwise')
    },
  }
}

/** The client workflow over changed metadata: it accepts nothing that the fleet's keys did not sign. */
function verificationTargets(): Target[] {
  const { trusted } = testFleet().published
  const { root, timestamp, snapshot, targets } = trusted
  const steps: [string, Uint8Array | undefined, (bytes: Uint8Array) => unknown][] = [
    ['verified root', root.bytes, bytes => updateRoot(trusted, bytes)],
    ['verified timestamp', timestamp?.bytes, bytes => updateTimestamp(trusted, bytes, testNow)],
    ['verified snapshot', snapshot?.bytes, bytes => updateSnapshot(trusted, bytes, testNow)],
    ['verified targets', targets?.bytes, bytes => updateTargets(trusted, bytes, testNow)],
  ]
  return steps.flatMap(([name, seed, step]) =>
    seed === undefined
      ? []
      : [{ name, seeds: [seed], refusals: [MetadataError, TrustError], mutate: mutateJson, run: step }],
  )
}
