/** An artifact of the project as a file to save: what devices get, byte for byte. */

import { open } from 'node:fs/promises'
import { Readable } from 'node:stream'
import type { Context, Hono } from 'hono'
import { z } from 'zod'
import { optionsOf } from '../api/request.ts'
import { artifactFile, artifactsFolder } from '../project/artifacts.ts'
import { EditError } from '../project/edit-error.ts'
import { openProject } from '../project/project.ts'
import type { Session } from '../session/session.ts'

const placeSchema = z.strictObject({ path: z.string().min(1).max(500) })

export interface ArtifactRoute {
  readonly session: Pick<Session, 'directory'>
  /** The page's session of a request. Throws where there is none. */
  readonly owner: (context: Context) => string
}

/** Reading takes no keys: the project's files are what the views beside it show. */
export function routeArtifacts(app: Hono, { session, owner }: ArtifactRoute): void {
  app.get('/page/artifact', async context => {
    owner(context)
    const { path } = placeSchema.parse(optionsOf(context, placeSchema))
    const file = await artifactFile((await openProject(session.directory)).directory, path)
    // It may be removed between the two looks, or nobody may read it.
    const handle = file && (await open(file).catch(() => undefined))
    if (!handle) {
      throw new EditError('no-such-entry', `expected a file of ${artifactsFolder}/, got ${JSON.stringify(path)}`, {
        hint: 'Name a file: `thymesh artifact list` shows the artifacts.',
      })
    }
    const { size } = await handle.stat()
    // Never shown: markup of an artifact would run here with our rights.
    const headers = {
      'Content-Type': 'application/octet-stream',
      'Content-Disposition': 'attachment',
      'Content-Length': String(size),
    }
    if (size === 0 || context.req.method === 'HEAD') {
      await handle.close()
      return context.body(null, 200, headers)
    }
    // Of one that grows meanwhile no more than was said: the rest would be taken for the next answer.
    const bytes = Readable.toWeb(handle.createReadStream({ start: 0, end: size - 1 }))
    return context.body(bytes as ReadableStream<Uint8Array>, 200, headers)
  })
}
