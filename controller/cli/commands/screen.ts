/** `thymesh screen`: a picture of a device's screen, in a file; or the snapshots that the device has taken. */

import { resolve } from 'node:path'
import { receiveMessage, sendMessage } from '../../../node/access/duplex-messages.ts'
import { accepted } from '../../../node/access/open-access.ts'
import { png } from '../../../node/access/png.ts'
import { readPicture } from '../../../node/access/rfb-picture.ts'
import { replaceFile } from '../../../node/files/durable-file.ts'
import { nameSchema } from '../../../protocol/encoding/fields.ts'
import { HintedError } from '../../../protocol/errors.ts'
import { accessVerdictCodec } from '../../../protocol/messages/access.ts'
import { screenHelloCodec } from '../../../protocol/messages/screen.ts'
import { withAccess } from '../shell/access.ts'
import { forwardTicket } from '../shell/forward-ticket.ts'
import { newsSeconds } from '../shell/limits.ts'
import type { ProjectOptions } from '../shell/options.ts'
import { print } from '../shell/output.ts'
import { targetNamed } from '../shell/ssh-client.ts'

export interface ScreenOptions extends ProjectOptions {
  device: string
  /** A file; of snapshots a folder. */
  save?: string
  snapshots: boolean
  screen?: string
  user: string
  wait: number
  identity: string[]
}

/** A whole picture over the slowest link: 8 MB at 50 kB/s. */
const pictureMs = 180_000

export async function screen(options: ScreenOptions): Promise<undefined> {
  if (options.snapshots) return await (await import('./screen-snapshots.ts')).screenSnapshots(options)
  const { save } = options
  if (save === undefined) {
    throw new HintedError('not-understood', 'expected --save FILE or --snapshots, got neither', {
      hint: `thymesh screen ${options.device} --save ${options.device}.png`,
    })
  }
  const name = options.screen === undefined ? undefined : nameOf(options.screen)
  return await withAccess(options, async access => {
    const { devices } = await access.ask('sshTargets', {}, newsSeconds)
    const target = targetNamed(devices, options.device)
    const { user, wait, identity } = options
    const ticket = await forwardTicket(access, { target, user, wait, identity, right: 'screen' })
    const signal = AbortSignal.timeout(pictureMs)
    const stream = await access.openStream({ device: target.device, wait, screen: true })
    stream.on('error', () => {})
    try {
      sendMessage(stream, screenHelloCodec, { v: 1, ticket, ...(name !== undefined && { screen: name }) })
      accepted(await receiveMessage(stream, accessVerdictCodec, signal), user)
      const picture = await readPicture(stream, signal)
      const file = resolve(save)
      await replaceFile(file, png(picture))
      const { width, height } = picture
      const text = `${target.device}: ${width} × ${height} pixels are in ${file}.`
      print(options, { device: target.device, file, width, height }, text)
      return undefined
    } finally {
      stream.destroy()
    }
  })
}

function nameOf(text: string): string {
  if (nameSchema.safeParse(text).success) return text
  throw new HintedError('invalid-name', `expected the name of a screen, got ${JSON.stringify(text)}`, {
    hint: 'Lowercase letters, digits and -: the name of its socket on the device, without .sock.',
  })
}
