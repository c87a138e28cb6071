/** nginx as people set it up for a binary cache: static files, one worker a core, sendfile. */

import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { run } from '../../../test/lab/run.ts'
import { ensurePrograms } from './apt.ts'
import { BenchError } from './bench-error.ts'
import type { Place } from './place.ts'
import { Program } from './program.ts'
import type { Scratch } from './scratch.ts'

const port = 8460

export interface WebServer {
  readonly program: Program
  readonly url: string
}

/** Serves a folder at a place until the stack is disposed of. */
export async function serve(
  stack: AsyncDisposableStack,
  scratch: Scratch,
  place: Place,
  directory: string,
): Promise<WebServer> {
  await ensurePrograms({ nginx: 'nginx' })
  const own = await scratch.folder(`nginx-${Date.now()}`)
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    name => `${name}_temp_path ${own}/${name};`,
  )
  const config = `user root; worker_processes auto; daemon off; pid ${own}/pid; error_log ${own}/error.log;
    events { worker_connections 1024; }
    http { access_log off; sendfile on; tcp_nopush on; keepalive_requests 100000; ${temporary.join(' ')}
      server { listen ${place.address}:${port}; root ${directory}; } }`
  await writeFile(join(own, 'nginx.conf'), config)
  const argv = place.argv(['nginx', '-e', `${own}/error.log`, '-c', `${own}/nginx.conf`])
  const program = stack.use(new Program(argv, { log: join(own, 'log') }))
  await listening(place, port, program, 'nginx')
  return { program, url: `http://${place.address}:${port}` }
}

/** Waits until something listens at a place. */
export async function listening(place: Place, port: number, program: Program, what: string): Promise<void> {
  const deadline = Date.now() + 10_000
  for (;;) {
    const ask = place.argv(['ss', '-Hltn', `sport = :${port}`])
    const { stdout } = await run(ask, { timeoutMs: 5_000, env: process.env })
    if (stdout.trim() !== '') return
    if (Date.now() > deadline || !program.running)
      throw new BenchError('timeout', `waited in vain for ${what} to listen`)
    await sleep(50)
  }
}
