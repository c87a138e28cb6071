/** Times of a list's answers, of a client that is another process, as clients are: what it does with them is not the controller's time. */

import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { z } from 'zod'

/** Milliseconds of each of so many. `where`: a Unix socket, or the address of the page's door with a browser's token. */
export async function listTimes(where: string, path: string, count: number, token?: string): Promise<number[]> {
  const program = join(import.meta.dirname, 'list-client-program.ts')
  const given = [where, path, String(count), ...(token === undefined ? [] : [token])]
  const client = spawn(process.execPath, [program, ...given], { stdio: ['ignore', 'pipe', 'inherit'] })
  return z
    .array(z.number())
    .length(count)
    .parse(JSON.parse(await text(client.stdout)))
}
