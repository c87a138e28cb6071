/** Logs of failed activations that were brought home, in the operator's folder of the fleet. */

import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { replaceFile } from '../../node/files/durable-file.ts'
import type { FleetHome } from './fleet-home.ts'

/** Keeps logs under their hashes; resolves to their files. */
export async function keepLogs(
  { directory }: Pick<FleetHome, 'directory'>,
  device: string,
  logs: readonly { readonly hash: string; readonly text: Uint8Array }[],
): Promise<string[]> {
  const place = join(directory, 'carried', device)
  if (logs.length > 0) await mkdir(place, { recursive: true, mode: 0o700 })
  const kept = logs.map(({ hash, text }) => ({ name: join(place, `${hash}.log`), text }))
  for (const { name, text } of kept) await replaceFile(name, text)
  return kept.map(({ name }) => name)
}
