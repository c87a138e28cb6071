/** The built files of the page: read once at the start, so that a request names an entry of a list and never a path. */

import { readdir, readFile } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import { HintedError } from '../../protocol/errors.ts'

export interface StaticFile {
  readonly type: string
  readonly bytes: Uint8Array<ArrayBuffer>
  readonly packed: Uint8Array<ArrayBuffer>
  /** Its name has the hash of its content. */
  readonly lasts: boolean
}

const types: Readonly<Record<string, string>> = {
  html: 'text/html; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
  svg: 'image/svg+xml',
}

const built = fileURLToPath(new URL('./dist', import.meta.url))

/** By path of the request. Throws where the page was never built. */
export async function loadFiles(directory = built): Promise<ReadonlyMap<string, StaticFile>> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true }).catch(() => [])
  const files = new Map<string, StaticFile>()
  for (const entry of entries) {
    const type = types[entry.name.split('.').at(-1) ?? '']
    if (!entry.isFile() || type === undefined) continue
    const file = join(entry.parentPath, entry.name)
    const name = relative(directory, file)
    const bytes = new Uint8Array(await readFile(file))
    const packed = new Uint8Array(await promisify(gzip)(bytes, { level: 9 }))
    files.set(name === 'index.html' ? '/' : `/${name}`, { type, bytes, packed, lasts: name.startsWith('assets/') })
  }
  if (files.has('/')) return files
  throw new HintedError('no-page', `expected the built page in ${directory}, found none`, {
    hint: 'Build it: scripts/setup',
  })
}
