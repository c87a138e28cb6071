/** `thymesh screen --snapshots`: the small pictures that a device has taken of its screens by itself, listed or saved. */

import { mkdir } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { replaceFile } from '../../../node/files/durable-file.ts'
import { visibleFields } from '../../../protocol/encoding/visible.ts'
import { ThymeshError } from '../../../protocol/errors.ts'
import { limits } from '../../../protocol/limits.ts'
import type { SshTarget } from '../../api/schemas/access.ts'
import type { ListedSnapshots } from '../../api/schemas/snapshots.ts'
import { readSnapshots } from '../../ssh/snapshots.ts'
import { snapshotsText } from '../../views/snapshots.ts'
import { type Access, withAccess } from '../shell/access.ts'
import { forwardTicket } from '../shell/forward-ticket.ts'
import { newsSeconds } from '../shell/limits.ts'
import type { ProjectOptions } from '../shell/options.ts'
import { print } from '../shell/output.ts'
import { targetNamed } from '../shell/ssh-client.ts'

/** All of them over the slowest link: a megabyte at 10 kB/s. */
const snapshotsMs = 180_000

export interface SnapshotsOptions extends ProjectOptions {
  device: string
  /** A folder. */
  save?: string
  user: string
  wait: number
  identity: string[]
}

interface Found {
  readonly screen: string
  readonly taken: string | null
  readonly sha256: string
  readonly bytes: number
  readonly png?: Uint8Array | undefined
}

export async function screenSnapshots(options: SnapshotsOptions): Promise<undefined> {
  return await withAccess(options, async access => {
    const { devices } = await access.ask('sshTargets', {}, newsSeconds)
    const target = targetNamed(devices, options.device)
    const { source, found } = await asked(access, target, options)
    const folder = options.save === undefined ? undefined : resolve(options.save)
    if (folder !== undefined) await mkdir(folder, { recursive: true })
    const snapshots: ListedSnapshots['snapshots'] = []
    for (const [at, { png, ...about }] of found.entries()) {
      const file =
        folder === undefined || png === undefined ? undefined : join(folder, nameOf(target.device, about, at))
      if (file !== undefined && png !== undefined) await replaceFile(file, png)
      snapshots.push({ ...about, ...(file !== undefined && { file }) })
    }
    const answer: ListedSnapshots = { device: target.device, source, snapshots }
    print(options, answer, snapshotsText(visibleFields(answer)))
    return undefined
  })
}

/** Of the device; those that are here already where it isn't in reach. */
async function asked(
  access: Access,
  target: SshTarget,
  { user, wait, identity, save }: SnapshotsOptions,
): Promise<{ source: 'device' | 'kept'; found: Found[] }> {
  try {
    const ticket = await forwardTicket(access, { target, user, wait, identity, right: 'screen' })
    const stream = await access.openStream({ device: target.device, wait, snapshots: true })
    stream.on('error', () => {})
    try {
      const wish = { ticket, user, most: limits.screenSnapshots, pictures: save !== undefined }
      const read = await readSnapshots(stream, wish, AbortSignal.timeout(snapshotsMs))
      const found = read.map(({ screen, taken = null, sha256, bytes, png }) => {
        return { screen, taken, sha256: Buffer.from(sha256).toString('hex'), bytes, png }
      })
      return { source: 'device', found }
    } finally {
      stream.destroy()
    }
  } catch (thrown) {
    if (!(thrown instanceof ThymeshError) || thrown.code !== 'not-in-reach') throw thrown
    const { snapshots } = await access.ask('snapshots', { device: target.device }, 0)
    if (snapshots.length === 0) throw thrown
    return { source: 'kept', found: snapshots.map(each => ({ ...each, png: Buffer.from(each.png, 'base64') })) }
  }
}

/** The colons of a time are no good in names of files elsewhere. */
function nameOf(device: string, { screen, taken }: Pick<Found, 'screen' | 'taken'>, at: number): string {
  return `${device}-${screen}-${taken?.replaceAll(':', '') ?? `${at + 1}`}.png`
}
