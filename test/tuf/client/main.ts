/** The TUF client as a program that speaks the command line of the public TUF conformance suite (its CLIENT-CLI.md). */

import { readFile } from 'node:fs/promises'
import { type ParseArgsConfig, parseArgs } from 'node:util'
import { messageOf } from '../../../protocol/errors.ts'
import { TufClient } from './client.ts'
import { MetadataDirectory } from './metadata-directory.ts'

const options = {
  'metadata-dir': { type: 'string' },
  'metadata-url': { type: 'string' },
  'target-name': { type: 'string', multiple: true },
  'target-base-url': { type: 'string' },
  'target-dir': { type: 'string' },
} as const satisfies ParseArgsConfig['options']

async function main(args: string[]): Promise<void> {
  const { values, positionals } = parseArgs({ args, options, allowPositionals: true })
  const [command, trustedRoot] = positionals
  const metadataDirectory = required(values['metadata-dir'], '--metadata-dir')
  if (command === 'init') {
    const root = await readFile(required(trustedRoot, 'TRUSTED_ROOT'))
    await new MetadataDirectory(metadataDirectory).initialise(root)
    return
  }
  const targetUrl = values['target-base-url']
  const client = new TufClient({
    metadataDirectory,
    metadataUrl: required(values['metadata-url'], '--metadata-url'),
    ...(targetUrl !== undefined && { targetUrl }),
    now: new Date(),
  })
  if (command === 'refresh') await client.refresh()
  else if (command === 'download') {
    required(targetUrl, '--target-base-url')
    const directory = required(values['target-dir'], '--target-dir')
    await client.download(required(values['target-name'], '--target-name'), directory)
  } else throw new RangeError(`expected init, refresh or download, got ${command ?? 'nothing'}`)
}

function required<T>(value: T | undefined, name: string): T {
  if (value === undefined) throw new RangeError(`expected ${name}`)
  return value
}

try {
  await main(process.argv.slice(2))
} catch (thrown) {
  process.stderr.write(`tuf-client: ${messageOf(thrown)}\n`)
  process.exitCode = 1
}
