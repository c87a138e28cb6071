/** `thymesh bundle show` and `verify`: what a bundle holds, and whether it is whole. */

import { checkBundle, showBundle } from '../../../node/carry/check-bundle.ts'
import type { BundleManifest } from '../../../protocol/bundle/manifest.ts'
import { shortId, shortPath, size } from '../../format/table.ts'
import type { GlobalOptions } from '../shell/options.ts'
import { print } from '../shell/output.ts'
import { Telling } from '../shell/telling.ts'

export interface BundleFileOptions extends GlobalOptions {
  file: string
}

export async function bundleShow(options: BundleFileOptions): Promise<undefined> {
  const manifest = await showBundle(options.file)
  print(options, manifest, inWords(manifest))
  return undefined
}

export async function bundleVerify(options: BundleFileOptions): Promise<undefined> {
  const telling = new Telling(options)
  const { bytes: total } = await showBundle(options.file)
  const checked = await checkBundle(options.file, bytes =>
    telling.progress({ step: 'Reading', done: Math.min(bytes, total), of: total, unit: 'bytes' }),
  ).finally(() => telling.end())
  const { manifest, bytes, expires, missingChunks, missingDocuments } = checked
  const lacks = missingChunks + missingDocuments > 0
  const rest = lacks
    ? `It lacks ${missingChunks} chunks and ${missingDocuments} documents: another volume or the devices must have them.`
    : 'It holds all of the release.'
  const text = `${inWords(manifest)}\n\nAll ${size(bytes)} fit their hashes and signatures. The metadata expires on ${expires}.\n${rest}`
  print(options, { ...manifest, archiveBytes: bytes, expires, missingChunks, missingDocuments }, text)
  return undefined
}

function inWords(manifest: BundleManifest): string {
  const { fleet, release, sites = {}, created, configs, site, without = [], volume, volumes, chunks, bytes } = manifest
  const releases = [`${release}`, ...Object.entries(sites).map(([name, version]) => `${name}/${version}`)]
  return [
    `fleet     ${shortId(fleet)}`,
    `release   ${releases.join(', ')}, written ${created}`,
    `configs   ${configs.join(', ')}`,
    ...(site === undefined ? [] : [`for       the site ${site}`]),
    ...(without.length === 0 ? [] : [`without   ${without.map(path => shortPath(path)).join(', ')}`]),
    `volume    ${volume} of ${volumes}`,
    `content   ${size(bytes)} in ${chunks} chunks, before compression`,
  ].join('\n')
}
